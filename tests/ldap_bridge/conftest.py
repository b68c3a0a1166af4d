"""What the tests of the directory bridge share."""

import warnings

with warnings.catch_warnings():
    # ldap3 reads names that pyasn1 has deprecated; nothing here can mend that.
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3  # noqa: F401 (imported once, early, so that later imports are silent)
