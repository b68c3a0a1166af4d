"""The backend for production: a MongoDB replica set, every acknowledged commit on the disks of its majority."""
