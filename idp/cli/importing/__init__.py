"""`idp import`: files read into rows, rows checked against what is there, changes made through the services."""
