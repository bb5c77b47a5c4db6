# Sourced by the scripts beside it: makes .venv hold exactly what requirements.lock says, and the project itself.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"

# Where a company's proxy re-signs connections, the system knows its authority and uv's own list does not.
[[ ! -s /etc/ssl/certs/ca-certificates.crt ]] || export UV_SYSTEM_CERTS=1

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

give_up() {
  say "$*"
  exit 1
}

# Installs Debian packages system-wide: as root, else it says what to type.
install_from_debian() {
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    give_up "$1 is missing: install it (on Debian: sudo apt-get install $*) and start again"
  fi
  say "installing $* from Debian"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "$@" >/dev/null
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3 python3.12 python3.13 python3.14; do
    if [[ -n $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

create_environment() {
  local python
  python=$(find_python)
  if [[ -z $python ]]; then
    install_from_debian python3 python3-venv
    python=$(find_python)
  fi
  [[ -n $python ]] || give_up "Python 3.11 or later is needed, and this system's is older: set PYTHON to one"
  "$python" -c 'import ensurepip' 2>/dev/null || install_from_debian python3-venv
  say "creating .venv with $("$python" --version)"
  "$python" -m venv --clear "$venv"
}

# A stanza of the lock is all that pip gets to see, so uv too is what the lock's hashes say.
install_uv() {
  local stanza="$venv/uv.lock.txt"
  awk '/^uv==/ { wanted = 1 } wanted { print } wanted && !/\\$/ { exit }' "$root/requirements.lock" >"$stanza"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$stanza" >&2
}

install_packages() {
  say "installing the packages of requirements.lock"
  [[ -x $venv/bin/uv ]] || install_uv
  (
    cd "$root"
    export VIRTUAL_ENV="$venv"
    "$venv/bin/uv" pip install --quiet --require-hashes -r requirements.lock
    "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
  )
}

# The stamp names everything the environment was made from: while that is the same there is nothing to do.
prepare_environment() {
  local wanted
  wanted=$(cd "$root" && { pwd; cat requirements.lock pyproject.toml; } | sha256sum)
  [[ -x $venv/bin/nexus && $(cat "$venv/stamp" 2>/dev/null) == "$wanted" ]] && return
  [[ -x $venv/bin/python ]] && "$venv/bin/python" -c '' 2>/dev/null || create_environment
  install_packages
  printf '%s\n' "$wanted" >"$venv/stamp"
}

# Two terminals may start at once; the second waits for the first one's set-up.
set_up() {
  exec 9<"$root"
  flock 9
  "$@"
  exec 9>&-
}
