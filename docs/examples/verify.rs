// SPDX-License-Identifier: Apache-2.0
//! Example: libsealring from Rust, without a crate.
//!
//!   verify VAULT SCOPE < credential
//!
//! Prints the verdict and whose credential it is; exits with 0 if it is accepted, 1 if not.
//! Build: rustc --edition 2021 -O verify.rs $(pkg-config --libs-only-L sealring)

use std::ffi::{CStr, CString};
use std::io::Read;
use std::os::raw::{c_char, c_int, c_ulong, c_void};
use std::os::unix::ffi::OsStrExt;
use std::process::exit;
use std::ptr::{null, null_mut};

/// <sealring/verify.h>, member by member. The numbers of verdicts and states stay `c_int`: a later library may know more of
/// them than this program, and a Rust enum must never hold an unknown one.
mod ffi {
    use super::{c_char, c_int, c_ulong, c_void};

    pub const OK: c_int = 0;

    #[repr(C)]
    pub struct Error {
        pub status: c_int,
        pub token_code: c_ulong,
        pub registry_code: c_int,
        pub system_errno: c_int,
        pub message: [c_char; 512],
    }

    #[repr(C)]
    pub struct Grant {
        pub size: usize,
        pub key_id: [c_char; 17],
        pub ring: [c_char; 65],
        pub client: [c_char; 65],
        pub scopes: [c_char; 1024],
        pub version: u32,
        pub serial: u32,
        pub version_state: c_int,
        pub not_before: i64,
        pub expires: i64,
        pub sunset: i64,
        pub reason: [c_char; 256],
    }

    #[repr(C)]
    pub struct Vault {
        opaque: [u8; 0],
    }

    pub type EnvironmentCallback = extern "C" fn(*const c_char, *const c_char, *mut c_void) -> c_int;

    #[link(name = "sealring")]
    extern "C" {
        pub fn sealring_environment(
            vault: *const c_char,
            each: EnvironmentCallback,
            context: *mut c_void,
            error: *mut Error,
        ) -> c_int;
        pub fn sealring_open(
            vault: *const c_char,
            options: *const c_void,
            opened: *mut *mut Vault,
            error: *mut Error,
        ) -> c_int;
        pub fn sealring_verify(
            vault: *mut Vault,
            credential: *const c_char,
            length: usize,
            scope: *const c_char,
            grant: *mut Grant,
        ) -> c_int;
        pub fn sealring_close(vault: *mut *mut Vault);
        pub fn sealring_verdict_accepted(verdict: c_int) -> c_int;
        pub fn sealring_verdict_name(verdict: c_int) -> *const c_char;
        pub fn sealring_verdict_http_status(verdict: c_int) -> c_int;
        pub fn sealring_version_state_name(state: c_int) -> *const c_char;
    }
}

/// The text of a member that ends in NUL.
fn text(member: &[c_char]) -> String {
    let bytes: Vec<u8> = member.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A name of the library: static, never freed.
fn name(name: *const c_char) -> &'static str {
    unsafe { CStr::from_ptr(name) }.to_str().unwrap_or("?")
}

/// An open vault. Any number of threads may verify on it.
struct Vault(*mut ffi::Vault);

unsafe impl Send for Vault {}
unsafe impl Sync for Vault {}

extern "C" fn set_variable(name: *const c_char, value: *const c_char, _context: *mut c_void) -> c_int {
    let (name, value) = unsafe { (CStr::from_ptr(name), CStr::from_ptr(value)) };
    let text = |c: &CStr| std::ffi::OsStr::from_bytes(c.to_bytes()).to_owned();
    std::env::set_var(text(name), text(value));
    0
}

impl Vault {
    /// To be called before the first thread starts: it sets the environment variables that the vault's PKCS#11 module requires.
    fn open(directory: &CStr) -> Result<Vault, String> {
        let mut vault = null_mut();
        let mut error: ffi::Error = unsafe { std::mem::zeroed() };
        let opened = unsafe {
            ffi::sealring_environment(directory.as_ptr(), set_variable, null_mut(), &mut error) == ffi::OK
                && ffi::sealring_open(directory.as_ptr(), null(), &mut vault, &mut error) == ffi::OK
        };
        if opened {
            Ok(Vault(vault))
        } else {
            Err(text(&error.message))
        }
    }

    fn verify(&self, credential: &[u8], scope: &CStr) -> (c_int, ffi::Grant) {
        let mut grant: ffi::Grant = unsafe { std::mem::zeroed() };
        grant.size = std::mem::size_of::<ffi::Grant>();
        let verdict = unsafe {
            ffi::sealring_verify(self.0, credential.as_ptr().cast(), credential.len(), scope.as_ptr(), &mut grant)
        };
        (verdict, grant)
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        unsafe { ffi::sealring_close(&mut self.0) } // sets it to null
    }
}

fn run() -> i32 {
    let arguments: Vec<_> = std::env::args_os().collect();
    let words: Vec<_> = arguments.iter().filter_map(|a| CString::new(a.as_bytes()).ok()).collect();
    if words.len() != 3 {
        eprintln!("usage: verify VAULT SCOPE < credential");
        return 2;
    }
    let vault = match Vault::open(&words[1]) {
        Ok(vault) => vault,
        Err(problem) => {
            eprintln!("verify: {problem}");
            return 3;
        }
    };
    let mut credential = Vec::new();
    if let Err(problem) = std::io::stdin().read_to_end(&mut credential) {
        eprintln!("verify: {problem}");
        return 3;
    }
    if credential.last() == Some(&b'\n') {
        credential.pop();
    }
    let (verdict, grant) = vault.verify(&credential, &words[2]);
    println!(
        "{} {} client={} key={} ring={} scopes={} version={} {} serial={} from={} to={} sunset={}: {}",
        name(unsafe { ffi::sealring_verdict_name(verdict) }),
        unsafe { ffi::sealring_verdict_http_status(verdict) },
        text(&grant.client),
        text(&grant.key_id),
        text(&grant.ring),
        text(&grant.scopes),
        grant.version,
        name(unsafe { ffi::sealring_version_state_name(grant.version_state) }),
        grant.serial,
        grant.not_before,
        grant.expires,
        grant.sunset,
        text(&grant.reason)
    );
    let accepted = unsafe { ffi::sealring_verdict_accepted(verdict) } == 1;
    i32::from(!accepted)
}

fn main() {
    exit(run()) // Vault was dropped when run returned
}
