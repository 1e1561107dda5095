"""Cassandra, the serving store: its tables, the ledger of publications, the pointers to generations, and reads."""
