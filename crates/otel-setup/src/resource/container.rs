//! The container in which the process runs.

use std::fs;
use std::path::Path;

use opentelemetry::KeyValue;

const CGROUP: &str = "/proc/self/cgroup";
const MOUNTS: &str = "/proc/self/mountinfo";

/// What container runtimes write before the id: `docker-<id>.scope` (systemd), `libpod-<id>` (cgroupfs), `…:cri-containerd:<id>`.
/// Monitors of containers, such as `libpod-conmon`, are not containers.
const RUNTIMES: [&str; 6] = [
    "docker",
    "cri-containerd",
    "containerd",
    "nerdctl",
    "crio",
    "libpod",
];

pub(super) fn detect() -> impl Iterator<Item = KeyValue> {
    let id = id(Path::new(CGROUP), Path::new(MOUNTS));
    id.map(|id| KeyValue::new("container.id", id)).into_iter()
}

/// Returns the id of the container. Returns `None` if neither file names the container of the process itself.
///
/// The files have these names on Linux only.
fn id(cgroup: &Path, mounts: &Path) -> Option<String> {
    let cgroup = fs::read_to_string(cgroup).unwrap_or_default();
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let id = paths.filter_map(id_in_cgroup).next();
    if let Some(id) = id {
        return Some(id.to_owned());
    }
    // With cgroup v2 the container usually has a cgroup namespace, and its cgroup is `/`.
    let mounts = fs::read_to_string(mounts).unwrap_or_default();
    let mounts: Vec<_> = mounts.lines().filter_map(Mount::parse).collect();
    id_in_mounts(&mounts).map(str::to_owned)
}

/// Returns the id of the innermost container of a cgroup path.
fn id_in_cgroup(path: &str) -> Option<&str> {
    path.rsplit('/').find_map(|segment| {
        let name = segment.split_once('.').map_or(segment, |(name, _)| name);
        let id = match segment.rsplit_once(':') {
            // containerd without systemd: `kubepods-pod<uid>.slice:cri-containerd:<id>`
            Some((before, id)) => is_runtime(before.rsplit(':').next()?).then_some(id)?,
            None => match name.rsplit_once('-') {
                Some((runtime, id)) => is_runtime(runtime).then_some(id)?,
                None => name,
            },
        };
        is_id(id).then_some(id)
    })
}

fn is_runtime(name: &str) -> bool {
    RUNTIMES.contains(&name)
}

/// One line of `/proc/self/mountinfo`.
struct Mount<'a> {
    /// The mounted folder or file, as a path inside its file system.
    root: &'a str,
    point: &'a str,
    file_system: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, source) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        Some(Self {
            root: fields.next()?,
            point: fields.next()?,
            file_system: source.split(' ').next()?,
        })
    }

    /// Returns the id of the container to which the runtime has mounted a file that it made for the container:
    /// `…/docker/containers/<id>/hostname` or `…/containers/storage/overlay-containers/<id>/userdata/hostname`.
    fn owner(&self) -> Option<&'a str> {
        let (_, rest) = self.root.split_once("containers/")?;
        rest.split('/').find(|segment| is_id(segment))
    }
}

fn id_in_mounts<'a>(mounts: &[Mount<'a>]) -> Option<&'a str> {
    let cgroups = mounts
        .iter()
        .filter(|it| it.file_system.starts_with("cgroup"));
    if let Some(id) = cgroups.filter_map(|it| id_in_cgroup(it.root)).next() {
        return Some(id);
    }
    // In a pod, these files are those of the pod's sandbox, which is another container. Only CRI-O mounts one file that it makes
    // for the container itself.
    let is_pod = mounts.iter().any(|it| it.root.ends_with("/etc-hosts"));
    let points = if is_pod {
        &["/run/secrets"][..]
    } else {
        &["/run/.containerenv", "/etc/hostname", "/etc/hosts"][..]
    };
    points.iter().find_map(|point| {
        let mount = mounts.iter().find(|it| it.point == *point)?;
        mount.owner()
    })
}

fn is_id(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;

    const ID: &str = "3b1e0f0c6f5d4f0a9c2e7d8b6a5f4e3d2c1b0a9f8e7d6c5b4a39281706f5e4d3";
    const OTHER: &str = "c0ffee0000000000000000000000000000000000000000000000000000c0ffee";

    /// What the two files look like. `<id>` is the id of the container, `<other>` that of another container.
    const CONTAINERS: &[(&str, &str, &str)] = &[
        (
            "docker, cgroup v1",
            "12:memory:/docker/<id>\n1:name=systemd:/docker/<id>\n0::/system.slice/containerd.service\n",
            "",
        ),
        (
            "docker by systemd, cgroup v1",
            "11:cpuset:/\n10:pids:/system.slice/docker-<id>.scope\n",
            "",
        ),
        (
            "docker, cgroup v2 of the host",
            "0::/system.slice/docker-<id>.scope\n",
            "",
        ),
        (
            "docker, cgroup v2",
            "0::/\n",
            "456 375 0:143 / / rw,relatime master:175 - overlay overlay rw,upperdir=/var/lib/docker/overlay2/<other>/diff\n\
             469 468 0:30 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw\n\
             472 456 254:1 /docker/containers/<id>/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda1 rw\n\
             473 456 254:1 /docker/containers/<id>/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n\
             474 456 254:1 /docker/containers/<id>/hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw\n",
        ),
        (
            "docker with the data of others mounted, cgroup v2",
            "0::/\n",
            "470 456 254:1 /var/lib/docker/containers/<other>/logs /logs rw,relatime - ext4 /dev/vda1 rw\n\
             471 456 254:1 /var/lib/docker/volumes/<other>/_data /data rw,relatime - ext4 /dev/vda1 rw\n\
             473 456 254:1 /var/lib/docker/containers/<id>/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n",
        ),
        (
            "docker in docker, cgroup v1",
            "5:memory:/docker/<other>/docker/<id>\n",
            "",
        ),
        (
            "systemd in docker, cgroup v1",
            "5:memory:/docker/<id>/system.slice/shop.service\n",
            "",
        ),
        (
            "kubernetes with docker, cgroup v1",
            "4:cpu,cpuacct:/kubepods/burstable/pod2fdb5ae5-4d93-4b61-8a8e-2b4a7c3c7f11/<id>\n",
            "",
        ),
        (
            "containerd by systemd",
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod4415fd05_2c0f.slice/cri-containerd-<id>.scope\n",
            "",
        ),
        (
            "containerd without systemd",
            "9:devices:/system.slice/containerd.service/kubepods-pod87a18a64_b74a.slice:cri-containerd:<id>\n",
            "",
        ),
        (
            "containerd, cgroup namespace of v1",
            "3:pids:/\n0::/\n",
            "2009 2008 0:32 /kubepods-pod321c09bf.slice:cri-containerd:<id> /sys/fs/cgroup/pids ro master:11 - cgroup cgroup rw,pids\n\
             2021 2002 253:1 /var/lib/kubelet/pods/321c09bf/etc-hosts /etc/hosts rw,relatime - xfs /dev/sda1 rw\n\
             2023 2002 253:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/<other>/hostname /etc/hostname rw - xfs /dev/sda1 rw\n",
        ),
        (
            "nerdctl, cgroup v2",
            "0::/\n",
            "88 70 8:1 /var/lib/nerdctl/1935db59/containers/default/<id>/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n",
        ),
        (
            "amazon ecs",
            "9:perf_event:/ecs/55091c13-b8cf-4801-b527-f4601742204d/<id>\n",
            "",
        ),
        (
            "cri-o",
            "0::/kubepods.slice/kubepods-pod19ccacf5.slice/crio-<id>.scope/container\n",
            "",
        ),
        (
            "cri-o, cgroup namespace",
            "0::/\n",
            "7304 7276 0:25 /containers/storage/overlay-containers/<other>/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n\
             7305 7276 0:25 /containers/storage/overlay-containers/<other>/userdata/.containerenv /run/.containerenv rw - tmpfs tmpfs rw\n\
             7307 7276 252:4 /ostree/deploy/rhcos/var/lib/kubelet/pods/8f215fa2/etc-hosts /etc/hosts rw,relatime - xfs /dev/vda4 rw\n\
             7310 7276 0:25 /containers/storage/overlay-containers/<id>/userdata/run/secrets /run/secrets rw - tmpfs tmpfs rw\n",
        ),
        (
            "podman by systemd",
            "0::/machine.slice/libpod-<id>.scope/container\n",
            "",
        ),
        (
            "podman without systemd",
            "7:memory:/libpod_parent/<other>/libpod-<id>\n",
            "",
        ),
        (
            "podman without root, cgroup v2",
            "0::/\n",
            "980 963 0:56 /containers/overlay-containers/<id>/userdata/.containerenv /run/.containerenv ro - tmpfs tmpfs rw\n\
             982 961 0:56 /containers/overlay-containers/<id>/userdata/hosts /etc/hosts ro,nosuid - tmpfs tmpfs rw\n",
        ),
        (
            "podman in a pod that shares its network, cgroup v2",
            "0::/\n",
            "982 961 0:56 /containers/overlay-containers/<other>/userdata/hosts /etc/hosts ro,nosuid - tmpfs tmpfs rw\n\
             983 961 0:56 /containers/overlay-containers/<id>/userdata/.containerenv /run/.containerenv ro - tmpfs tmpfs rw\n",
        ),
    ];

    /// Files that name no container, or only another.
    const OTHERS: &[(&str, &str, &str)] = &[
        ("no files", "", ""),
        (
            "a user's session",
            "1:name=systemd:/user.slice/user-1000.slice/session-4.scope\n0::/user.slice\n",
            "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n",
        ),
        ("a system service", "0::/system.slice/shop.service\n", ""),
        (
            "a session with a name that looks like an id",
            "0::/user.slice/session-<id>.scope\n",
            "",
        ),
        (
            "the monitor of a podman container",
            "0::/machine.slice/libpod-conmon-<id>.scope\n",
            "",
        ),
        (
            "a short id",
            "9:cpu:/docker/3b1e0f0c6f5d4f0a9c2e7d8b6a5f4e3d\n",
            "",
        ),
        ("an id that is too long", "9:cpu:/docker/<id>0\n", ""),
        ("an id and a word", "9:cpu:/docker/docker-<id>x.scope\n", ""),
        (
            "a task of fargate",
            "9:cpu:/ecs/c79ae0e2b1f84f5c/c79ae0e2b1f84f5c-2495160603\n",
            "",
        ),
        (
            "containerd, cgroup namespace of v2",
            "0::/\n",
            "2008 2007 0:28 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n\
             2021 2002 253:1 /var/lib/kubelet/pods/321c09bf/etc-hosts /etc/hosts rw,relatime - xfs /dev/sda1 rw\n\
             2023 2002 253:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/<id>/hostname /etc/hostname rw - xfs /dev/sda1 rw\n",
        ),
        (
            "the sandbox of a pod with docker, cgroup namespace of v2",
            "0::/\n",
            "473 456 254:1 /var/lib/docker/containers/<id>/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n\
             474 456 254:1 /var/lib/kubelet/pods/321c09bf/etc-hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw\n",
        ),
        (
            "the folder of another container is mounted",
            "0::/\n",
            "473 456 254:1 /var/lib/docker/containers/<id>/hostname /host/hostname rw,relatime - ext4 /dev/vda1 rw\n",
        ),
        (
            "lines that are cut off",
            "0\n0:\n0::\n::\n\n",
            "1\n1 2 3:4 / - \n - cgroup\n1 2 3:4 /docker/<id>",
        ),
    ];

    fn found(cgroup: &str, mounts: &str) -> Option<String> {
        let folder = env::temp_dir().join(format!("otel-setup-container-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text.replace("<id>", ID).replace("<other>", OTHER)).unwrap();
            path
        };
        let id = id(&write("cgroup", cgroup), &write("mountinfo", mounts));
        fs::remove_dir_all(folder).unwrap();
        id
    }

    #[test]
    fn a_container_has_the_id_that_its_runtime_gave_it() {
        for (name, cgroup, mounts) in CONTAINERS {
            assert_eq!(found(cgroup, mounts).as_deref(), Some(ID), "{name}");
        }
        // The tests of one process take turns with the folder.
        for (name, cgroup, mounts) in OTHERS {
            assert_eq!(found(cgroup, mounts), None, "{name}");
        }
    }

    #[test]
    fn without_the_files_there_is_no_id() {
        let missing = Path::new("/proc/self/no such file");
        assert_eq!(id(missing, missing), None);
        assert_eq!(id(Path::new("/"), Path::new("/proc/self/exe")), None);
    }
}
