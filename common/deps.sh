#!/bin/sh
# Finds out what is missing and installs it or says how; see deps.mk, which
# holds the needs and says how one is written.
#
#   deps.sh install NEED...   installs what is missing; silent if nothing is
#   deps.sh doctor NEED...    a line per need
#
# Exit 1 if one is not met; install does not count those of a single lesson.

# The package manager of this system.
manager() {
  for m in apt-get dnf pacman brew; do
    command -v $m >/dev/null && echo ${m%-get} && return
  done
  echo none
}

# What comes before a command that wants root.
root() { [ "$(id -u)" -eq 0 ] || echo "sudo "; }

# install_command PACKAGE...: what a person would type.
install_command() {
  case $manager in
  apt) echo "$(root)apt-get install -y $*" ;;
  dnf) echo "$(root)dnf install -y $*" ;;
  brew) echo "brew install $*" ;;
  pacman) echo "$(root)pacman -S --needed --noconfirm $*" ;;
  *) echo "install $* with your system's package manager" ;;
  esac
}

# packages NEED: the names that this manager knows it by, else its own name.
packages() {
  found=$(echo "$1" | tr , '\n' | sed -n "s/^$manager=//p")
  [ -n "$found" ] || found=$(echo "${1%%,*}" | cut -d= -f2)
  echo $found
}

# try_sanitizer NAME: does the compiler have its library? The fuzzer's has a main
# of its own.
try_sanitizer() {
  out=$(mktemp) || return
  source='int main(void) { return 0; }'
  [ "$1" != fuzzer ] ||
    source='int LLVMFuzzerTestOneInput(const char *at, long size) { return 0; }'
  echo "$source" |
    $CC -x c -fsanitize="$1" -o "$out" - 2>/dev/null
  status=$?
  rm -f "$out"
  [ $status = 0 ] && echo "in $CC"
}

# version_of NEED: prints what there is, and fails when it does not meet it.
version_of() {
  IFS='=' read -r kind name version <<EOF
${1%%,*}
EOF
  case $kind in
  command)
    command -v "$name" >/dev/null || return
    "$name" --version 2>/dev/null </dev/null | grep -m 1 '[0-9]' || echo here
    ;;
  pkg)
    pkg-config --exists "$name${version:+ >= $version}" 2>/dev/null &&
      pkg-config --modversion "$name"
    ;;
  header) echo "#include <$name>" | $CC -E - >/dev/null 2>&1 && echo here ;;
  sanitizer) try_sanitizer "$name" ;;
  python)
    for python in /usr/bin/python3 python3; do
      "$python" -c "import $name" 2>/dev/null && echo "in $python" && return
    done
    return 1
    ;;
  esac
}

# too_old NEED: for a package that is there, but older: says so, else fails.
too_old() {
  IFS='=' read -r kind name version <<EOF
${1%%,*}
EOF
  [ "$kind" = pkg ] && pkg-config --exists "$name" 2>/dev/null || return
  lesson=$(echo "$1" | sed -n 's/.*,lesson=/ for lesson /p')
  echo "$name $(pkg-config --modversion "$name") is too old, $version is" \
    "needed$lesson: update your system, if need be to a newer release, or" \
    "build it from source and have PKG_CONFIG_PATH name the directory of its" \
    ".pc file"
}

# title NEED: "libuv 1.44", "address sanitizer"
title() {
  case $1 in
  sanitizer=*) echo "${1%%,*} sanitizer" | cut -d= -f2 ;;
  python=*) echo "${1%%,*} for Python" | cut -d= -f2 ;;
  *) echo "${1%%,*}" | cut -d= -f2- | tr = ' ' ;;
  esac
}

doctor() {
  status=0
  for need; do
    if found=$(version_of "$need"); then
      printf '  %-20s %s\n' "$(title "$need")" "$found"
    else
      status=1
      advice=$(too_old "$need") ||
        advice="MISSING: $(install_command $(packages "$need"))"
      printf '  %-20s %s\n' "$(title "$need")" "$advice"
    fi
  done
  return $status
}

# unmet NEED...: those that are not met.
unmet() {
  for need; do
    version_of "$need" >/dev/null || echo "$need"
  done
}

# bring PACKAGE...: has the package manager install them.
bring() {
  missing=$(printf '%s\n' "$@" | sort -u | tr '\n' ' ')
  echo "Installing: $missing"
  if [ "$manager" = none ]; then
    echo "No apt, dnf, brew or pacman here: $(install_command $missing)." >&2
    return 1
  fi
  if [ "$manager" = apt ]; then
    $(root)apt-get update -qq &&
      $(root)env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq $missing >/dev/null
  else
    $(install_command $missing)
  fi
}

# What is too old would be so afterwards, too: that is only told.
install() {
  set -- $(unmet "$@")
  missing=$(for need; do too_old "$need" >/dev/null || packages "$need"; done)
  if [ -n "$missing" ]; then
    bring $missing || return
    set -- $(unmet "$@")
  fi
  doctor "$@" >&2
  for need; do
    case $need in *,lesson=*) ;; *) return 1 ;; esac
  done
}

manager=$(manager)
CC=${CC:-cc}
verb=$1
shift
case $verb in
install | doctor) "$verb" "$@" ;;
*) echo "usage: deps.sh install|doctor NEED..." >&2 && exit 2 ;;
esac
