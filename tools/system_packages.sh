#!/usr/bin/env bash
# See that the programs exist which `test`, `bench` or `directories` run; as root on a Debian kind of system, install what is missing.
set -euo pipefail

missing=()
# An ordinary user's PATH leaves out sbin, where slapd lives.
PATH=$PATH:/usr/sbin:/sbin
need() { command -v "$1" >/dev/null || missing+=("$2"); }

need slapd slapd
need ldapsearch ldap-utils
case ${1:-test} in
  test)
    need chromium chromium
    need oathtool oathtool
    need zbarimg zbar-tools
    need curl curl
    # The mongod of the test packages links against it.
    if [ -z "${IDP_TEST_MONGODB:-}" ]; then
      ldconfig -p | grep -q 'libcurl\.so\.4 ' || missing+=(libcurl4)
    fi
    ;;
  bench) need wrk wrk ;;
  directories)
    need ns-slapd 389-ds-base
    need samba samba-ad-dc
    [ -d /usr/share/samba/setup/ad-schema ] || missing+=(samba-ad-provision)
    [ -d /usr/lib/*/samba/ldb ] || missing+=(samba-dsdb-modules)
    ;;
  *) echo "usage: $0 test|bench|directories" >&2; exit 2 ;;
esac

[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} ..."
  export DEBIAN_FRONTEND=noninteractive
  # Debian starts a packaged slapd at once; the tests run their own.
  export RUNLEVEL=1
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "Missing system packages: ${missing[*]}" >&2
  echo "Install them and run again:  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
