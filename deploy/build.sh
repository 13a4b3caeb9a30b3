#!/bin/sh
# Configures (once) and builds one kind of build, from any folder.
#
#   deploy/build.sh Debug|Release|Asan|Tsan|Fuzz [target...]
#   deploy/build.sh --folder TYPE      only names its folder: build for Release, else build-<type>
set -eu
cd "$(dirname "$0")/.."

folder_of() {
  case $1 in
    Release) echo build ;;
    Debug | Asan | Tsan | Fuzz) echo "build-$1" | tr '[:upper:]' '[:lower:]' ;;
    *) echo "build.sh: unknown type '$1'" >&2 && exit 2 ;;
  esac
}

if [ "$1" = --folder ]; then
  folder_of "$2"
  exit
fi

type=$1
shift
folder=$(folder_of "$type")
compilers=''
if [ "$type" = Fuzz ]; then
  compilers='-DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19'
fi

# So that one cache serves every copy of the tree, a fresh clone in CI among them.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

# Ninja configures again by itself whenever a CMake file or a folder's contents have changed.
[ -f "$folder/build.ninja" ] ||
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE="$type" $compilers
exec ninja -C "$folder" "$@"
