#!/usr/bin/env bash
# Boots real kernels in an emulator (no KVM needed) and runs kernel-check on each as process 1. Not part of .ci/run: it downloads
# kernels and an AOT compiler, and takes about two minutes. Ends with "N passed, M failed" over all kernels.
#   tests/old-kernels/run.sh [NAME...]     names below; default: all but sid
# Needs a Debian or derivative with apt, and: qemu-system-x86 cpio. Packages come from the mirrors this machine's apt is set up with.
# Nothing is installed, apt's own state is not touched; what is fetched stays in artifacts/old-kernels (git-ignored).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cache=$PWD/artifacts/old-kernels
limit=600 # Seconds for one kernel.

release_of() { # name -> Debian release
    case $1 in
        5.10-uml) echo bullseye ;; # 5.10.46 as a user process (User-mode Linux): 5.10 as it first was.
        5.10) echo bullseye ;;     # Its io_uring is that of 5.15, as in every 5.10 since 5.10.162.
        6.1) echo bookworm ;;
        6.12) echo trixie ;;
        sid) echo sid ;;
        *) echo "unknown kernel '$1': 5.10-uml, 5.10, 6.1, 6.12, sid" >&2; return 1 ;;
    esac
}

kernels=("$@")
[ ${#kernels[@]} -gt 0 ] || kernels=(5.10-uml 5.10 6.1 6.12)
for tool in apt-get dpkg-deb cpio gzip ldd qemu-system-x86_64; do
    command -v "$tool" > /dev/null || { echo "needs $tool: apt-get install qemu-system-x86 cpio" >&2; exit 2; }
done
mkdir -p "$cache"

# apt_of RELEASE COMMAND...: apt as a machine of that release would see it, with a state of its own.
apt_of() {
    local release=$1 root=$cache/apt-$1 main security
    shift
    if [ ! -e "$root/sources" ]; then
        mkdir -p "$root"/{state/lists/partial,cache/archives/partial}
        main=$(apt-get indextargets --format '$(CREATED_BY) $(LABEL) $(REPO_URI)' | awk '$1 == "Packages" && $2 == "Debian" { print $3; exit }')
        security=$(apt-get indextargets --format '$(CREATED_BY) $(LABEL) $(REPO_URI)' | awk '$1 == "Packages" && $2 == "Debian-Security" { print $3; exit }')
        [ -n "$main" ] || { echo "apt knows no Debian mirror here: apt-get update?" >&2; return 1; }
        touch "$root/status"
        cat > "$root/conf" <<CONF
Dir::State "$root/state";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "root";
CONF
        local trust=""
        [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ] || trust="[arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        echo "deb $trust $main $release main" > "$root/sources.list"
        if [ -n "$security" ] && [ "$release" != sid ]; then
            echo "deb $trust $security $release-security main" >> "$root/sources.list"
        fi
        APT_CONFIG=$root/conf apt-get -qq update >&2
        touch "$root/sources"
    fi
    APT_CONFIG=$root/conf "$@"
}

depends_on() { # depends_on RELEASE PACKAGE PATTERN: the package it depends on whose name matches
    apt_of "$1" apt-cache depends "$2" | sed -nE "s/^ *(Pre)?Depends: ($3)$/\2/p" | head -n 1
}

unpack() { # unpack RELEASE PACKAGE FOLDER
    (cd "$cache" && apt_of "$1" apt-get -qq download "$2" >&2 && dpkg-deb -x "$2"_*.deb "$3" && rm "$2"_*.deb)
}

fetch() { # fetch NAME: leaves the kernel as $cache/NAME/kernel
    local release package folder=$cache/$1
    release=$(release_of "$1")
    [ ! -e "$folder/kernel" ] || return 0
    rm -rf "$folder"
    case $1 in
        *-uml)
            unpack "$release" user-mode-linux "$folder"
            ln -s usr/bin/linux.uml "$folder/kernel"
            ;;
        *)
            package=$(depends_on "$release" linux-image-cloud-amd64 'linux-image-[0-9].*')
            unpack "$release" "$package" "$folder"
            if ! compgen -G "$folder/boot/vmlinuz-*" > /dev/null; then # Newer releases have split the image.
                unpack "$release" "$(depends_on "$release" "$package" 'linux-binary-.*')" "$folder"
            fi
            find "$folder" -name 'vmlinuz*' -exec cp {} "$folder/kernel" \;
            ;;
    esac
    [ -e "$folder/kernel" ]
}

echo "== publish"
dotnet publish tests/old-kernels -r linux-x64 -p:PublishAot=true -o "$cache/publish" --nologo -v quiet
root=$cache/root
rm -rf "$root"
mkdir -p "$root"/{proc,sys,dev,tmp}
cp "$cache/publish/kernel-check" "$root/init"
ldd "$root/init" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) > "$cache/initramfs.gz"
du -h "$cache/initramfs.gz" | cut -f 1

boot() { # boot NAME: the machine's console
    case $1 in
        *-uml)
            timeout "$limit" "$cache/$1/kernel" mem=1G initrd="$cache/initramfs.gz" rdinit=/init quiet con=null con0=null,fd:1 random.trust_cpu=on
            ;;
        *)
            timeout "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1G -nodefaults -nographic -serial stdio -no-reboot \
                -kernel "$cache/$1/kernel" -initrd "$cache/initramfs.gz" -append "console=ttyS0 quiet panic=-1 random.trust_cpu=on"
            ;;
    esac < /dev/null 2>&1 | tr -d '\r' || true
}

passed=0
failed=0
for kernel in "${kernels[@]}"; do
    echo "== Linux $kernel"
    fetch "$kernel"
    start=$SECONDS
    boot "$kernel" | tee "$cache/$kernel.log" | grep --line-buffered -v '…$' || true
    if [[ $(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$cache/$kernel.log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
    else
        tail -n 5 "$cache/$kernel.log"
        echo "FAILED  Linux $kernel: no result within $limit s"
        failed=$((failed + 1))
    fi
    echo "$((SECONDS - start)) s"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
