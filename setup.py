"""Packages, extras and the console script; tool settings live in pyproject.toml, exact versions in requirements/."""

from setuptools import find_packages, setup

PACKAGES = ("schemas", "playback", "jobs", "pipelines", "serving", "infra", "truth", "tonearm")

DATA = [
    "py.typed",
    "**/*.yaml",
    "**/*.sha256",
    "**/*.xml",
    "**/*.properties",
    "**/*.json",
    "**/*.sql",
    "**/*.html",
    "**/*.css",
]

EXTRAS = {
    # what a record means: Arrow and the codecs
    "codecs": ["pyarrow", "numpy", "fastavro", "pyruhvro", "orjson"],
    # how batch tables are computed; never add pyspark-client, it overwrites pyspark's files
    "batch": [
        "pyspark[connect]==4.1.3",
        "delta-spark==4.4.0",
        "pysail==0.7.2",
        "deltalake==1.6.6",
        "great-expectations==1.24.1",
        "pandas<3",
    ],
    # what people read of a lake: the site of tables, and lineage
    "docs": ["jinja2", "pyyaml", "openlineage-python"],
    # where events come from and results go
    "stores": [
        "confluent-kafka>=2.16.1",
        "google-cloud-bigquery==3.47.0",
        "cassandra-driver==3.30.1",
    ],
    # what people who run it watch
    "operations": ["structlog", "prometheus-client"],
    # how live tables are computed
    "live": ["apache-beam[gcp]==2.77.0"],
    # the command line and the local stack
    "cli": ["typer", "rich", "pydantic-settings", "psutil"],
    # the answer key of a simulation; measurements are held against it too
    "truth": ["duckdb"],
    # peers that measurements are held against
    "bench": ["polars"],
    "dev": [
        "pytest",
        "pytest-timeout",
        "pytest-xdist",
        "hypothesis",
        "kafka-python>=3.0.12",  # tests hold librdkafka against it
        "ruff",
        "mypy",
        "pre-commit",
        "types-psutil",
        "setuptools",  # the editable install runs without build isolation, and so without a download
    ],
}

setup(
    name="tonearm",
    version="0.1.0",
    description="The open data platform of a music-streaming service",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]),
    include_package_data=False,
    package_data=dict.fromkeys(PACKAGES, DATA),
    install_requires=[],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["tonearm = tonearm.app:main"]},
)
