#!/bin/sh
# Installs the core in a directory of its own, builds a program with it from
# another one, as `cc main.c $(pkg-config --cflags --libs ax)`, looks at the
# manual pages, and takes it all away. Prints the checks that fail.

cd "$(dirname "$0")/.." || exit
command -v pkg-config >/dev/null || {
  echo 'pkg-config is missing: try `make deps`' >&2 && exit 1
}
header=$PWD/common/ax.h page=$PWD/docs/your-program.c
home=$(mktemp -d) && trap 'rm -rf "$home"' EXIT || exit
prefix=$home/prefix stage="$home/a stage" wrong=0
: "${MAKE:=make}" "${CC:=cc}"

# holds WHAT COMMAND...: the command succeeds.
holds() {
  what=$1 && shift
  "$@" >"$home/said" 2>&1 || {
    echo "does not hold: $what" && cat "$home/said" && wrong=1
  }
}

# prints FILE [LINE]: that is all there is in it.
prints() {
  if [ $# = 1 ]; then
    diff /dev/null "$1"
  else
    echo "$2" | diff - "$1"
  fi
}

# refuses WORDS VERB...: make ends with 2, says so, and installs nothing.
refuses() {
  words=$1 && shift
  $MAKE "$@" DESTDIR="$stage" >"$home/refusal" 2>&1
  status=$?
  holds "make $* ends with 2, not $status" [ $status = 2 ]
  holds "make $* says: $words" grep -F -e "$words" "$home/refusal"
  holds "make $* installs nothing" [ ! -e "$stage" ]
}

install_it() { $MAKE "$@" PREFIX="$prefix" DESTDIR=; }
files() { find "$1" ! -type d | sort; }

refuses 'leave out SANITIZE' install SANITIZE=thread
refuses 'leave out SEED' install SEED=7
refuses 'without spaces' install PREFIX="$home/a prefix"
refuses 'an absolute path' install PREFIX=usr

holds 'it installs' install_it install
[ -f "$prefix/lib/pkgconfig/ax.pc" ] || exit 1
mv "$home/said" "$home/noise" && holds 'it is quiet' prints "$home/noise"
files "$prefix" | sed "s:^$prefix/::" >"$home/installed"

# ------------------------------------------------------------- a program

mkdir "$home/program" && cd "$home/program" || exit
cat >main.c <<'EOP'
#include <ax.h>
#include <stdio.h>

static void on_post(void *arg, int err, size_t n) {
  printf("posted, then ");
}

static void on_ding(void *arg, int err, size_t n) {
  printf("ding %d\n", err);
}

int main(void) {
  ax_context *context = ax_context_new();
  ax_timer *timer = ax_timer_new(context);
  ax_timer_expires_after(timer, AX_MS(20));
  ax_timer_wait(timer, ax_call(on_ding, NULL));
  ax_post(context, ax_call(on_post, NULL));
  ax_run(context);
  ax_unref(timer);
  ax_context_free(context);
}
EOP
cat >macros.c <<'EOP'
#include <ax.h>

size_t sizes(char (*bytes)[4], int seconds);
size_t sizes(char (*bytes)[4], int seconds) {
  ax_buf buf = AX_BUF(*bytes);
  ax_seq seq = AX_SEQ(buf, AX_BUF(*bytes));
  ax_cseq cseq = AX_CSEQ(AX_CBUF("text"), ax_const(buf));
  return seq.count + cseq.count + (size_t)(AX_MS(5) + AX_SECONDS(seconds));
}
EOP
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
holds 'pkg-config knows it' pkg-config --exists --print-errors ax
flags=$(pkg-config --cflags --libs ax)
holds 'a program builds' $CC main.c $flags
./a.out >line
holds 'it runs and prints its line' prints line 'posted, then ding 0'
holds 'so does the page of `make new`' $CC -Wall -Wextra "$page" $flags -o page \
  -Wno-unused-parameter
for std in c11 gnu11; do
  holds "the header is good $std" $CC -std=$std -Wall -Wextra -Wpedantic \
    -Werror -c macros.c -o macros.o $(pkg-config --cflags ax)
done
nm "$prefix/lib/libax.a" 2>/dev/null |
  sed -n 's/^[0-9a-f]* [TDBR] _\{0,1\}//p' | grep -v '^ax_' >others
holds 'the archive has names of the core alone' prints others

# ---------------------------------------------------------- manual pages

man=$prefix/share/man
sed -n 's/^[a-z].*[ *]\(ax_[a-z][a-z0-9_]*\)(.*/\1/p' "$header" |
  grep -v '^ax__' | sort -u >functions
holds 'there are functions' [ "$(wc -l <functions)" -gt 60 ]
for name in $(cat functions); do
  page=$man/man3/$name.3
  [ ! -f "$page" ] || to=$(sed -n 's/^[.]so //p' "$page")
  holds "$name has a page that declares it" grep "^.fB.*[ *]$name(.*" \
    "${to:+$man/}${to:-$page}"
done
if command -v groff >/dev/null; then
  for page in $(grep -L '^[.]so ' "$man"/man?/*); do
    groff -man -Tutf8 -ww -z "$page" 2>&1
  done >warnings
  holds 'groff finds nothing wrong' prints warnings
fi

# -------------------------------------------------------------- and away

cd "$OLDPWD" || exit
holds 'it uninstalls' install_it uninstall
files "$prefix" >"$home/left"
holds 'nothing is left' prints "$home/left"

# The same files below a DESTDIR, whose name may be any; it is not in them.
holds 'it installs below a DESTDIR' $MAKE install PREFIX=/usr DESTDIR="$stage"
files "$stage/usr" | sed "s:^$stage/usr/::" >"$home/staged"
holds 'the same files are there' diff "$home/installed" "$home/staged"
holds 'ax.pc has the prefix' grep -x 'prefix=/usr' \
  "$stage/usr/lib/pkgconfig/ax.pc"
holds 'it uninstalls below a DESTDIR' $MAKE uninstall PREFIX=/usr DESTDIR="$stage"
files "$stage" >"$home/left"
holds 'nothing is left below it' prints "$home/left"
[ $wrong = 0 ] && echo 'install: a program outside builds and runs'
exit $wrong
