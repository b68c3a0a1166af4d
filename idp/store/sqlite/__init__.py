"""The embedded backend: one SQLite file, several processes, every acknowledged commit on the disk."""
