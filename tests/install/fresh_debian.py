"""A Debian 12 with nothing on it but what debootstrap installs, to be thrown away after the test.

It is a folder that programs see as their whole file system (chroot), in name spaces of their own
for mounts and processes, so that nothing is left of it whatever ends the test. What this machine
needs to reach Debian's archive and npm's, it gets, too: apt's settings, certificates, npm's.
"""
import glob
import os
import re
import shutil
import subprocess

# Settings of programs for what they fetch: proxies and certificates.
REACHING = re.compile(r"(?i)(\w+_proxy|.*_CA_\w+|.*_CAINFO|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS|"
                      r"npm_config_\w+)$")
MOUNTS = """
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
exec chroot --userspec="$user" "$root" env -i "$@" bash -euo pipefail -c "$script"
"""


def _said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class FreshDebian:
    USER = "stranger"

    def __init__(self, root):
        self.root = root
        mirror = _said("apt-get", "indextargets", "--format", "$(REPO_URI)",
                       "Created-By: Packages", "Codename: bookworm", "Origin: Debian").split()[0]
        subprocess.run(["debootstrap", "--variant=minbase", "--include=sudo,ca-certificates",
                        "bookworm", root, mirror], check=True)
        self._let_reach_the_archives()
        self.run("apt-get update -q && update-ca-certificates\n"
                 f"useradd --create-home --shell /bin/bash {self.USER}\n"
                 f"echo '{self.USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{self.USER}",
                 user="root")
        npmrc = os.path.expanduser("~/.npmrc")
        if os.path.exists(npmrc):
            shutil.copy(npmrc, self.home(".npmrc"))

    def path(self, *names):
        return os.path.join(self.root, *names)

    def home(self, *names):
        return self.path("home", self.USER, *names)

    def run(self, script, user=USER):
        """Runs lines of bash as `user`, in the user's home, and ends at the first that fails:
        AssertionError. What they print goes where the test's output goes."""
        home = "/root" if user == "root" else f"/home/{user}"
        settings = [f"{name}={value}" for name, value in os.environ.items() if REACHING.match(name)]
        environment = {**os.environ, "root": self.root, "user": user,
                       "script": f"cd {home}\n{script}"}
        result = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-euc", MOUNTS,
             "bash", f"HOME={home}", f"USER={user}", "LANG=C.UTF-8",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             f"CCACHE_BASEDIR={home}", "CCACHE_NOHASHDIR=1", *settings],
            env=environment, stdin=subprocess.DEVNULL, check=False)
        if result.returncode != 0:
            raise AssertionError(f"status {result.returncode} in the fresh Debian, of\n{script}")

    def _let_reach_the_archives(self):
        shutil.copy("/etc/resolv.conf", self.path("etc", "resolv.conf"))
        shutil.copy("/etc/hosts", self.path("etc", "hosts"))
        settings = [line for line in _said("apt-config", "dump", "Acquire").splitlines()
                    if re.match(r"Acquire::(https?|Retries|Check-Valid-Until|ForceIPv)", line)]
        with open(self.path("etc", "apt", "apt.conf.d", "99reach"), "w", encoding="utf-8") as file:
            file.write("\n".join(settings) + "\n")
        sources = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
        targets = _said("apt-get", "indextargets", "--format", sources, "Created-By: Packages",
                        "Origin: Debian").splitlines()
        with open(self.path("etc", "apt", "sources.list"), "w", encoding="utf-8") as file:
            file.writelines(f"deb {target}\n" for target in sorted(set(targets)))
        for certificate in glob.glob("/usr/local/share/ca-certificates/**/*.crt", recursive=True):
            shutil.copy(certificate, self.path("usr", "local", "share", "ca-certificates"))
