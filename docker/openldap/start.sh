#!/bin/sh
# Serve an LDIF file as an OpenLDAP directory; its first entry is the base, cn=admin below it the administrator.
set -eu

ldif=${LDAP_LDIF:-/sample/directory.ldif}
data=${LDAP_DATA:-/var/lib/ldap}
listen=${LDAP_LISTEN:-ldap://0.0.0.0:1389/}
: "${LDAP_ADMIN_PASSWORD:?give the directory administrator a password}"

base=$(sed -n 's/^dn: *//p' "$ldif" | head -n 1)
config=$data/slapd.conf
umask 077
cat >"$config" <<END
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile $data/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
moduleload memberof
moduleload ppolicy
database mdb
suffix "$base"
rootdn "cn=admin,$base"
rootpw $(slappasswd -s "$LDAP_ADMIN_PASSWORD")
directory $data
maxsize 1073741824
index objectClass,uid,mail,member,entryUUID,entryCSN eq
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by * none
overlay memberof
memberof-refint TRUE
overlay ppolicy
overlay syncprov
END

[ -e "$data/data.mdb" ] || slapadd -q -f "$config" -l "$ldif"
exec slapd -d 0 -h "$listen" -f "$config"
