"""Jobs on Flink, asked of its REST API."""

import json
import urllib.error
import urllib.request

from schemas.errors import ConfigurationError, StoreUnavailableError

_ENDED = ("FINISHED", "CANCELED", "FAILED")
_TIMEOUT_SECONDS = 20.0


def job_runs(address: str, name: str) -> bool:
    """Whether Flink at `host:port` has a job of that name that has not ended; one that restarts has not.

    Raises StoreUnavailableError where Flink does not answer, ConfigurationError where it is not Flink that does.
    """
    url = f"{address if '://' in address else f'http://{address}'}/jobs/overview"
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{address} is no address of Flink: give host:port of its REST API.")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - http or https, see above
            jobs = json.load(answer)["jobs"]
            return any(job["name"] == name and job["state"] not in _ENDED for job in jobs)
    except (OSError, urllib.error.URLError) as error:
        raise StoreUnavailableError(f"Flink does not answer at {address}: {error}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"What answers at {address} is not Flink's REST API.") from error
