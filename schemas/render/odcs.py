"""Open Data Contract Standard (v3.1.0): what readers of a table may rely on, derived from its declaration."""

from typing import Any

from schemas.checks import Fresh, References, Volume
from schemas.model import Field, Table
from schemas.render.bigquery import bigquery_schema
from schemas.render.check_words import check_in_words, expectation_in_words
from schemas.render.expectations import expectations

_LOGICAL = {
    "string": "string",
    "binary": "string",
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "timestamp": "timestamp",
    "date": "date",
    "headers": "array",
}


def contract(table: Table) -> dict[str, Any]:
    """The contract of one table, ready for YAML or JSON."""
    stores = [name for name, declared in (("BigQuery", table.warehouse), ("Cassandra", table.serving)) if declared]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"urn:tonearm:{table.full_name}",
        "name": table.full_name,
        "version": f"{table.warehouse.version if table.warehouse else 1}.0.0",
        "status": "active",
        "domain": table.layer,
        "dataProduct": "tonearm",
        "description": {
            "purpose": table.description,
            "usage": f"Published to {' and '.join(stores)}." if stores else "Read in the lake.",
        },
        "tags": [table.layer, *table.tags],
        "schema": [_object(table)],
        "slaProperties": _promises(table),
        "team": {"name": table.owner},
    }


_UNITS = {"hourly": "h", "daily": "d", "weekly": "w"}


def _promises(table: Table) -> list[dict[str, Any]]:
    """How often and how late; of a live table nothing is promised by the hour, but for how long rows are kept."""
    if table.is_live:
        return [{"property": "retention", "value": table.retention_days, "unit": "d"}]
    return [
        {"property": "frequency", "value": 1, "unit": _UNITS[table.schedule]},
        {"property": "latency", "value": table.promised_hours, "unit": "h"},
    ]


def _object(table: Table) -> dict[str, Any]:
    described = {
        "name": table.name,
        "physicalName": table.full_name,
        "physicalType": "table",
        "logicalType": "object",
        "description": table.description,
        "dataGranularityDescription": table.grain,
        "properties": [_property(table, field) for field in table.fields],
    }
    return described | {"quality": _quality(table)}


def _property(table: Table, field: Field) -> dict[str, Any]:
    physical = {str(column["name"]): str(column["type"]) for column in bigquery_schema(table)}
    described: dict[str, Any] = {
        "name": field.name,
        "logicalType": _LOGICAL[field.type],
        "physicalType": physical[field.name],
        "description": field.description,
        "required": not field.nullable,
    }
    if field.type == "headers":
        described["items"] = {"logicalType": "object"}
    if field.name in table.key:
        described |= {"primaryKey": True, "primaryKeyPosition": table.key.index(field.name) + 1}
    if field.name == table.partition_by:
        described |= {"partitioned": True, "partitionKeyPosition": 1}
    if field.personal:
        described["classification"] = "personal"
    return described


def _quality(table: Table) -> list[dict[str, Any]]:
    """Each check: those of rows in the form that runs them, the others in words."""
    rules = [
        {
            "type": "custom",
            "engine": "greatExpectations",
            "description": expectation_in_words(one),
            "severity": _severity(one),
            "implementation": {"type": one["type"], "kwargs": one["kwargs"]},
        }
        for one in expectations(table)
    ]
    whole = [check for check in table.checks if isinstance(check, References | Volume | Fresh)]
    return rules + [{"type": "text", "description": check_in_words(one), "severity": one.severity} for one in whole]


def _severity(expectation: dict[str, Any]) -> str:
    return str(expectation["meta"]["severity"])
