//! The process, its executable, and the instance of the service that it is.
//!
//! The command line is left out, since arguments contain passwords.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::time::{Duration, SystemTime};
use std::{env, process};

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

pub(super) fn detect() -> impl Iterator<Item = KeyValue> {
    let process = [
        KeyValue::new("process.pid", i64::from(process::id())),
        KeyValue::new("process.runtime.name", "rust"),
        KeyValue::new("service.instance.id", instance_id()),
    ];
    // build.rs sets the two variables.
    let optional = [
        ("process.creation.time", creation_time()),
        (
            "process.runtime.version",
            option_env!("BUILD_RUSTC_VERSION").map(str::to_owned),
        ),
        (
            "process.runtime.description",
            option_env!("BUILD_RUSTC_DESCRIPTION").map(str::to_owned),
        ),
        ("process.executable.name", executable_name()),
        ("process.executable.build_id.htlhash", executable_hash()),
    ];
    let optional = optional
        .into_iter()
        .filter_map(|(key, value)| Some(KeyValue::new(key, value?)));
    process.into_iter().chain(optional)
}

/// Returns the time when the process was started, on Linux.
fn creation_time() -> Option<String> {
    let process = fs::read_to_string("/proc/self/stat").ok()?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    format_creation_time(&process, &system)
}

/// Takes the texts of `/proc/self/stat` and `/proc/stat`.
fn format_creation_time(process: &str, system: &str) -> Option<String> {
    /// The unit of the file, which is the same on all of Rust's Linux targets (`USER_HZ`).
    const TICKS_PER_SECOND: u64 = 100;
    // The second field is the name in parentheses, which may itself contain spaces and parentheses.
    let (_, fields) = process.rsplit_once(") ")?;
    let ticks: u64 = fields.split(' ').nth(19)?.parse().ok()?;
    let boot = system
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?;
    let boot: u64 = boot.trim().parse().ok().filter(|seconds| *seconds > 0)?;
    let since_boot = Duration::from_millis(ticks.checked_mul(1000)? / TICKS_PER_SECOND);
    let since_epoch = Duration::from_secs(boot).checked_add(since_boot)?;
    let time = SystemTime::UNIX_EPOCH.checked_add(since_epoch)?;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_millis(time)).ok()?;
    Some(text)
}

fn executable_name() -> Option<String> {
    let path = env::current_exe().ok()?;
    Some(path.file_name()?.to_str()?.to_owned())
}

fn executable_hash() -> Option<String> {
    // The link can still be opened if the file was replaced or removed.
    let file = File::open("/proc/self/exe").or_else(|_| File::open(env::current_exe()?));
    hash(&mut file.ok()?).ok()
}

/// Returns the hash that the conventions define: half a SHA-256 of the first and last 4,096 bytes and of the length.
fn hash(file: &mut File) -> io::Result<String> {
    const PART: u64 = 4096;
    let length = file.metadata()?.len();
    let mut input = Vec::new();
    file.take(PART).read_to_end(&mut input)?;
    file.seek(SeekFrom::Start(length.saturating_sub(PART)))?;
    file.take(PART).read_to_end(&mut input)?;
    input.extend_from_slice(&length.to_be_bytes());
    let digest = hmac_sha256::Hash::hash(&input);
    Ok(digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Returns a random UUID (version 4), as the conventions recommend.
fn instance_id() -> String {
    let random = u128::from_be_bytes(RandomIdGenerator::default().new_trace_id().to_bytes());
    let version = 0x4 << 76;
    let variant = 0b10 << 62;
    let bits = random & !(0xf << 76) & !(0b11 << 62) | version | variant;
    let hex = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|part| hex.get(part).unwrap_or_default().to_owned());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  1 2 3\nctxt 4\nbtime 1700558733\nprocesses 5\n";

    #[test]
    fn an_instance_has_a_uuid_of_version_4() {
        let id = instance_id();
        assert_eq!(id.len(), 36, "{id}");
        let positions: Vec<_> = id.match_indices('-').map(|(at, _)| at).collect();
        assert_eq!(positions, [8, 13, 18, 23], "{id}");
        assert_eq!(&id[14..15], "4", "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(instance_id(), id);
    }

    /// `/proc/self/stat` of a process with this name that started so many ticks after the system.
    fn stat(name: &str, ticks: &str) -> String {
        format!("4242 ({name}) S 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 {ticks} 1 2 3\n")
    }

    #[test]
    fn the_creation_time_is_the_boot_time_and_the_ticks_since_then() {
        for name in ["shop", "a b", ") S 1 (", "", "x) R 9"] {
            let time = format_creation_time(&stat(name, "142085"), STAT);
            assert_eq!(time.as_deref(), Some("2023-11-21T09:49:13.850Z"), "{name}");
        }
    }

    #[test]
    fn what_the_kernel_does_not_say_is_left_out() {
        let shop = stat("shop", "142085");
        let table = [
            ("", STAT),
            ("4242 shop S", STAT),
            ("4242 (shop) S 1 2", STAT),
            (&stat("shop", "many"), STAT),
            (&stat("shop", "18446744073709551615"), STAT),
            (&shop, ""),
            (&shop, "btime\n"),
            (&shop, "btime 0\n"),
            (&shop, "btime -1\n"),
            (&shop, "btime 18446744073709551615\n"),
            (&shop, "btime 999999999999\n"), // after the year 9999
        ];
        for (process, system) in table {
            assert_eq!(format_creation_time(process, system), None, "{system}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_was_created_a_moment_ago() {
        let time = humantime::parse_rfc3339(&creation_time().unwrap()).unwrap();
        // The time of the boot is in whole seconds, and a machine whose clock is set moves it.
        let age = SystemTime::now().duration_since(time).unwrap_or_default();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }

    #[test]
    fn an_executable_has_the_hash_that_the_conventions_define() {
        let path = env::temp_dir().join(format!("otel-setup-hash-{}", process::id()));
        // Computed with Python's hashlib.
        let table: [(Vec<u8>, &str); 3] = [
            (Vec::new(), "af5570f5a1810b7af78caf4bc70a660f"),
            (b"small".to_vec(), "f1513e44446c75255103291b633b9246"),
            (
                (0..10_000_u32).map(|n| (n % 251) as u8).collect(),
                "29e3194e821b97b5565d43a5156ad97a",
            ),
        ];
        for (content, expected) in table {
            fs::write(&path, &content).unwrap();
            let hash = hash(&mut File::open(&path).unwrap()).unwrap();
            assert_eq!(hash, expected, "{} bytes", content.len());
        }
        fs::remove_file(path).unwrap();
    }
}
