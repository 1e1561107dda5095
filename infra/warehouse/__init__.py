"""BigQuery, the analysts' warehouse: tables behind stable views, one staged load and one MERGE a publication."""
