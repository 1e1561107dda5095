"""Bronze tables that are computed; the ledger itself is filled by `jobs.ingest`."""
