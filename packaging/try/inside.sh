#!/bin/bash
# The trial of the package, as root in a booted Debian without any network: /try holds `old.deb` and `new.deb`, the same
# program under two versions. Each check is a line; the exit status says whether all were met.
set -u

SERVICES=(schoolgate-signer schoolgate-control schoolgate-gateway)
DATA=/var/lib/schoolgate
TO_PORTAL='location: https://schoolgate.internal/agree?t='
passed=0
failed=0

# check NAME COMMAND…: the command must succeed.
check() {
    local name=$1
    shift
    if "$@" >/tmp/said 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        tail -n 20 /tmp/said | sed 's/^/          /'
    fi
}

# check_not NAME COMMAND…: the command must fail.
check_not() {
    local name=$1
    shift
    check "$name" not "$@"
}

not() { ! "$@"; }
as() {
    local user=$1
    shift
    setpriv --reuid="$user" --regid="$(id --group "$user")" --init-groups -- "$@"
}
pid() { systemctl show --property MainPID --value "$1"; }
# inside SERVICE COMMAND…: as the service's user, with the file system and the network that the service sees.
inside() {
    local service=$1
    shift
    nsenter --target "$(pid "$service")" --mount --net -- setpriv --reuid="$service" --regid="$service" \
        --init-groups -- "$@"
}
fetch() {
    curl --disable --silent --show-error --include --noproxy '' --max-time 20 --retry 30 --retry-delay 1 \
        --retry-all-errors --retry-max-time 60 --header 'Accept: text/html' --proxy http://127.0.0.1:3128 \
        --cacert /tmp/ca.pem "$@"
}
leads_to_portal() { fetch "$1" | grep --fixed-strings "$TO_PORTAL"; }
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(pid "$1")/status"; }
# Of several, `systemctl is-active` says whether one is.
is_running() { for service in "${SERVICES[@]}"; do systemctl is-active --quiet "$service" || return; done; }
does_any_run() { systemctl is-active --quiet "${SERVICES[@]}"; }
pids() { for service in "${SERVICES[@]}"; do pid "$service"; done; }
# all_new PIDS: within ten seconds, each service runs in another process than in these.
all_new() {
    for _ in {1..100}; do
        is_running && ! pids | grep --word-regexp --quiet --file <(echo "$1") && return
        sleep 0.1
    done
    return 1
}
# Asks proxy and portal in turn until there is a file /tmp/enough, and notes how curl ended: 7 is a refused connection.
ask_on() {
    while [ ! -e /tmp/enough ]; do
        curl --silent --max-time 20 --noproxy '' --proxy http://127.0.0.1:3128 --output /dev/null http://first.example/
        echo "$? proxy" >>/tmp/asked
        curl --silent --max-time 20 --cacert /tmp/ca.pem --resolve schoolgate.internal:443:127.0.0.1 --output /dev/null \
            https://schoolgate.internal/
        echo "$? portal" >>/tmp/asked
    done
}
files() { dpkg-query --listfiles schoolgate; }

serves() {
    check "$1: all three run" all_new none
    check "$1: a request is answered by the policy" leads_to_portal http://first.example/
    # What the signer has made by now is what devices would trust.
    cp /var/lib/schoolgate-signer/ca.pem /tmp/ca.pem
    check "$1: the portal answers through the gateway, with a leaf of the school's CA" \
        fetch --fail --output /dev/null https://schoolgate.internal/
    check "$1: the gateway's own answer has a leaf that the signer made for it" leads_to_portal https://second.example/
    check "$1: the portal listens at 443" curl --silent --fail --output /dev/null --cacert /tmp/ca.pem \
        --resolve schoolgate.internal:443:127.0.0.1 https://schoolgate.internal/
    check "$1: the name door listens at 53" bash -c 'getent hosts sixth.example | grep 192.0.2.7'
}

echo "== install"
check "installs" dpkg --install /try/old.deb
check "its users are there" id schoolgate schoolgate-signer schoolgate-gateway
check_not "nothing runs" does_any_run
check "started before there is a school, it waits and nothing has failed" systemctl start schoolgate.target
check_not "no unit has failed" systemctl is-failed --quiet "${SERVICES[@]}"
systemctl stop schoolgate.target

echo "== set up"
check "a school is made in the directory of the package" as schoolgate schoolgate init --data $DATA --school riverside \
    --name 'Riverside Primary' --policy /usr/share/schoolgate/policies/hampshire-staff
sed --in-place 's/^# listen = "0.0.0.0:53"/listen = "127.0.0.1:53"/; s/^# upstreams = .*/upstreams = ["127.0.0.9"]/
    s/^# answers = .*/answers = ["192.0.2.7"]/' /etc/schoolgate/schoolgate.toml
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
: >/tmp/ca.pem
check "starts, now and at each boot" systemctl enable --now schoolgate.target
serves "first start"

echo "== apart"
for kept in $DATA/records.sqlite $DATA/keys/token.key $DATA/keys $DATA/events /var/lib/schoolgate-signer/ca.key.pem; do
    check "$kept is there" test -e "$kept"
    check_not "the gateway's user cannot read $kept" as schoolgate-gateway test -r "$kept"
    check_not "the gateway does not even see $kept" inside schoolgate-gateway test -e "$kept"
done
check "the gateway reads the snapshot" inside schoolgate-gateway test -r /var/lib/schoolgate-snapshot/people-1.part
check_not "the gateway does not write it" inside schoolgate-gateway test -w /var/lib/schoolgate-snapshot
check_not "nobody else reads it" as nobody test -r /var/lib/schoolgate-snapshot/people-1.part
check_not "control does not read the CA's key" as schoolgate test -r /var/lib/schoolgate-signer/ca.key.pem
check_not "the signer does not read the records" as schoolgate-signer test -r $DATA/records.sqlite
check_not "nobody else reads the settings" as nobody test -r /etc/schoolgate/schoolgate.toml
# To connect to a socket is to write to its file.
check "the gateway may ask the signer" as schoolgate-gateway test -w /run/schoolgate/signer/signer.sock
check "control may ask the signer" as schoolgate test -w /run/schoolgate/signer/signer.sock
check "the gateway may come to the link" as schoolgate-gateway test -w /run/schoolgate/control/link.sock
check_not "the signer may not" as schoolgate-signer test -w /run/schoolgate/control/link.sock
check_not "nobody else may ask the signer" as nobody test -w /run/schoolgate/signer/signer.sock
check "control may ask for what was sealed" as schoolgate test -w /run/schoolgate/offices/offices.sock
check_not "the gateway may not" as schoolgate-gateway test -w /run/schoolgate/offices/offices.sock
check_not "the gateway does not even see the folder" inside schoolgate-gateway test -r /run/schoolgate/offices
check_not "control has no key of an office" test -e $DATA/keys/offices
check "the records are verified by their user, who may ask the signer" as schoolgate schoolgate verify --data $DATA \
    --settings /etc/schoolgate/schoolgate.toml
check_not "nobody else may come to the portal's socket" as nobody test -w /run/schoolgate/control/portal.sock
check "the signer has no network but its own loopback" \
    bash -c "[ \"\$(nsenter --target $(pid schoolgate-signer) --net ip -brief link | cut -d' ' -f1)\" = lo ]"
# Only where the machine lets its container raise the limit.
expected='no memory at all'
if grep --quiet 'Max locked memory *unlimited' "/proc/$(pid schoolgate-signer)/limits"; then
    check "the signer's memory stays in memory" test "$(status schoolgate-signer VmLck)" != "0 kB"
else
    echo "-       the signer's memory cannot be locked in this container"
    expected='the signer.s memory may be swapped out'
fi
for service in "${SERVICES[@]}"; do
    check "$service is behind a filter of system calls" test "$(status "$service" Seccomp)" = 2
    check "$service gets no new rights" test "$(status "$service" NoNewPrivs)" = 1
    check_not "$service logged no warning" bash -c "journalctl --unit $service --output cat | grep -E 'WARN|ERROR' | grep --invert-match '$expected'"
done
check "the signer has no rights of root's" test "$(status schoolgate-signer CapBnd)" = 0000000000000000
for service in schoolgate-control schoolgate-gateway; do
    check "$service may bind low ports and nothing else" test "$(status "$service" CapBnd)" = 0000000000000400
done

echo "== new settings"
before=$(pid schoolgate-gateway)
check "new settings are taken" systemctl reload schoolgate-control schoolgate-gateway
check "by the process that was there" test "$(pid schoolgate-gateway)" = "$before"
cp /etc/schoolgate/schoolgate.toml /tmp/settings.toml
echo 'nonsense = 1' >>/etc/schoolgate/schoolgate.toml
check_not "settings that cannot be read are refused before anybody is told" systemctl reload schoolgate-gateway
cat /tmp/settings.toml >/etc/schoolgate/schoolgate.toml
check "and the gateway goes on" leads_to_portal http://third.example/

echo "== ends, and comes back"
before=$(pids)
echo "$before" | xargs kill -KILL
check "all are started again" all_new "$before"
serves "after each was killed"

echo "== backup"
check "records and all keys are copied, the CA's too" schoolgate backup --data $DATA --to /tmp/backup \
    --keys-to /tmp/keys --settings /etc/schoolgate/schoolgate.toml
check "the CA's key is among them" cmp /tmp/keys/signer/ca.key.pem /var/lib/schoolgate-signer/ca.key.pem

echo "== upgrade"
check "the system keeps the gateway's sockets" test "$(systemctl show --property NFileDescriptorStore --value \
    schoolgate-gateway)" = 2
check "the system keeps the portal's socket" test "$(systemctl show --property NFileDescriptorStore --value \
    schoolgate-control)" = 1
before=$(pids)
ask_on &
asking=$!
check "a newer version installs over it" dpkg --install /try/new.deb
check "each runs anew" all_new "$before"
touch /tmp/enough
wait $asking
check "it was asked meanwhile" grep --quiet ^0 /tmp/asked
check_not "nobody was refused meanwhile" grep ^7 /tmp/asked
check "changed settings are kept" grep --quiet 192.0.2.7 /etc/schoolgate/schoolgate.toml
serves "after the upgrade"

echo "== remove"
check "is removed" dpkg --remove schoolgate
check_not "nothing runs any more" pgrep --exact schoolgate
check "the records stay" test -e $DATA/records.sqlite
check "the settings stay" test -e /etc/schoolgate/schoolgate.toml
check "is installed again" dpkg --install /try/new.deb
check "is started again" systemctl start schoolgate.target
serves "on the data that stayed"

echo "== restore"
cp /var/lib/schoolgate-signer/ca.key.pem /tmp/ca.key.pem
systemctl stop "${SERVICES[@]}"
rm -rf ${DATA:?}/* /var/lib/schoolgate-signer/* /var/lib/schoolgate-snapshot/*
check "a backup is brought back" schoolgate restore --from /tmp/backup --keys /tmp/keys \
    --settings /etc/schoolgate/schoolgate.toml --data $DATA
chown -R schoolgate: $DATA
chown -R schoolgate-signer: /var/lib/schoolgate-signer
check "with the CA that devices trust" cmp /tmp/ca.key.pem /var/lib/schoolgate-signer/ca.key.pem
check "its journal is consistent" as schoolgate schoolgate verify --data $DATA
systemctl start schoolgate.target
serves "restored"

echo "== purge"
listed=$(files | grep schoolgate)
check "is purged" dpkg --purge schoolgate
check_not "nothing runs any more" pgrep --exact schoolgate
for path in $listed $DATA /var/lib/schoolgate-signer /var/lib/schoolgate-snapshot /run/schoolgate /etc/schoolgate \
    /etc/systemd/system/multi-user.target.wants/schoolgate.target; do
    [ -e "$path" ] && check_not "$path is gone" test -e "$path"
done
for user in schoolgate schoolgate-signer schoolgate-gateway; do
    check_not "the user $user is gone" getent passwd "$user"
done
check_not "no group is left" bash -c 'getent group | grep schoolgate'

echo "$passed passed, $failed failed"
[ $failed = 0 ]
