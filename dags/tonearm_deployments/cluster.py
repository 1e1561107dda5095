"""What a cluster is, from the environment of Airflow."""

import os

from schemas.errors import ConfigurationError
from schemas.render.submissions import Cluster

_OF_AIRFLOW = {"TONEARM_DEPLOYMENT", "TONEARM_HOME", "TONEARM_TOOLCHAIN", "TONEARM_ENGINE", "TONEARM_SPARK_REMOTE"}
_FIELDS = {
    "image": "TONEARM_IMAGE",
    "namespace": "TONEARM_KUBERNETES_NAMESPACE",
    "service_account": "TONEARM_SERVICE_ACCOUNT",
    "home_claim": "TONEARM_HOME_CLAIM",
    "flink": "TONEARM_FLINK_ADDRESS",
    "project": "TONEARM_GOOGLE_PROJECT",
    "region": "TONEARM_GOOGLE_REGION",
    "code": "TONEARM_GOOGLE_CODE",
    "template": "TONEARM_FLEX_TEMPLATE",
}


def cluster(*needed: str) -> Cluster:
    """The cluster; `needed` are fields that have to be set. Raises ConfigurationError with the names of the missing."""
    given = {field: os.environ[name] for field, name in _FIELDS.items() if os.environ.get(name)}
    if missing := [_FIELDS[field] for field in needed if field not in given]:
        raise ConfigurationError(
            f"TONEARM_DEPLOYMENT={os.environ.get('TONEARM_DEPLOYMENT')} needs {' and '.join(missing)}: "
            "set it where Airflow runs."
        )
    own = {*_OF_AIRFLOW, *_FIELDS.values()}
    settings = {name: value for name, value in os.environ.items() if name.startswith("TONEARM_") and name not in own}
    return Cluster(settings=settings, **given)  # type: ignore[arg-type]
