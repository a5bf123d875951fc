#!/bin/sh
# Makes a builder's own keys for updates in DIRECTORY, unless they are there: keys.sh DIRECTORY.
#
#   ca.pem        what boxes trust (their keyring)      ca.key     signs certificates of signers; not needed for a bundle
#   signer.pem    who signs bundles                     signer.key signs bundles
#
# A company has such a pair of its own: ca.key on a machine without a network, signer.key where bundles are made; docs/image.md.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: packaging/image/keys.sh DIRECTORY" >&2
    exit 2
fi
mkdir -p "$1"
cd "$1"
if [ -e signer.pem ]; then
    exit 0
fi
umask 077
# S/MIME signing is what RAUC 1.8 and 1.13 look for in a signer's certificate unless they are told otherwise.
cat >openssl.cnf <<'CONFIG'
[req]
distinguished_name = name
prompt = no
[name]
CN = Engawa updates
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CONFIG
quietly() { "$@" 2>openssl.log || { cat openssl.log >&2; exit 1; }; }
key='-newkey rsa:3072 -nodes -config openssl.cnf'
# shellcheck disable=SC2086  # a list of words
quietly openssl req -x509 $key -extensions ca -days 9125 -keyout ca.key -out ca.pem
# shellcheck disable=SC2086
quietly openssl req $key -subj '/CN=Engawa update signer' -keyout signer.key -out signer.csr
quietly openssl x509 -req -in signer.csr -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" -days 9125 \
    -extfile openssl.cnf -extensions signer -out signer.new
rm -f signer.csr openssl.log
# Last: keys are whole or made anew.
chmod 644 ca.pem
mv signer.new signer.pem
echo "engawa: made keys for updates in $1: boxes of this image take what they sign; keep them, and never commit them" >&2
