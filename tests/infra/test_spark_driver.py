"""The session of an application that spark-submit has started: its driver serves it to itself, with Delta."""

import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from infra.engine import open_session
from infra.local.setup.toolchain import Toolchain
from infra.settings import REPOSITORY, Settings
from schemas.errors import ConfigurationError
from schemas.render.submissions import Cluster, spark_application
from schemas.render.tasks import Task

APPLICATION = """
import sys
from pathlib import Path
from infra.engine import open_session
from infra.settings import Settings
with open_session(Settings()) as session:
    session.range(3).write.format("delta").save(sys.argv[1])
    print("FOUND", session.read.format("delta").load(sys.argv[1]).count(), session.conf.get("spark.app.name"))
"""


def test_without_an_application_one_sentence_says_what_to_set(settings: Settings) -> None:
    inside = settings.model_copy(update={"engine": "spark", "spark_remote": "driver"})
    with (
        pytest.raises(ConfigurationError, match="is for an application that spark-submit starts"),
        open_session(inside),
    ):
        pass


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_a_submitted_application_has_a_session_with_what_it_was_submitted_with(tmp_path: Path) -> None:
    main = tmp_path / "main.py"
    main.write_text(APPLICATION)
    jars = sorted(str(jar) for jar in (Toolchain.from_environment().root / "jars" / "delta").glob("*.jar"))
    declared = spark_application(Task("refresh.x", ("refresh", "x"), (), "owner", ""), Cluster("image"))["spec"]
    conf = declared["sparkConf"] | {"spark.app.name": "tonearm-refresh-x", "spark.ui.enabled": "false"}
    words = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
    submit = [Path(pyspark.__file__).parent / "bin" / "spark-submit", "--master", "local[2]", "--jars", ",".join(jars)]
    own = {one["name"]: one["value"] for one in declared["driver"]["env"]} | {"TONEARM_HOME": str(tmp_path / "home")}
    own |= {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(REPOSITORY), "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [*submit, *words, main, str(tmp_path / "table")]
    # Sessions of this process leave in its environment that it is a client of a server.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    done = subprocess.run(command, env=inherited | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]  # Python says what it has to say there too
    assert "FOUND 3 tonearm-refresh-x" in done.stdout
