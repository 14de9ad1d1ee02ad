#!/bin/sh
# Makes a folder for OPENSSL_MODULES, with a file openssl.cnf for OPENSSL_CONF:
#
#   sh docker/openssl-provider.sh FOLDER [MODULE]
#
# MODULE is the file fips.so, that of Debian's package openssl-provider-fips if it is not named. The program openssl must be there. The
# folder keeps a copy of the module, so an upgrade of the package changes nothing until this script runs again.
set -eu
folder=$1
module=${2:-$(ls /usr/lib/*-linux-gnu/ossl-modules/fips.so)}
mkdir -p "$folder"
cp "$module" "$folder/fips.so"
openssl fipsinstall -quiet -module "$folder/fips.so" -out "$folder/fipsmodule.cnf"
cat "$(dirname "$0")/openssl.cnf" "$folder/fipsmodule.cnf" >"$folder/openssl.cnf"
