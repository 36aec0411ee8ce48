//! gristmill's own storage functions, and a safe face of them. `engine/ext/storage/src/modern.rs` says what each does.

/// The numbers that the functions return.
const NOT_FOUND: u32 = 1;
const TOO_SMALL: u32 = 2;

mod imports {
    #[link(wasm_import_module = "gristmill_storage")]
    unsafe extern "C" {
        pub fn open(name: *const u8, len: usize, out: *mut u32) -> u32;
        pub fn get(
            space: u32,
            key: *const u8,
            key_len: usize,
            buf: *mut u8,
            buf_len: usize,
            written: *mut usize,
        ) -> u32;
        pub fn set(space: u32, key: *const u8, key_len: usize, value: *const u8, value_len: usize) -> u32;
        pub fn delete(space: u32, key: *const u8, key_len: usize) -> u32;
        pub fn list(
            space: u32,
            prefix: *const u8,
            prefix_len: usize,
            cursor: *const u8,
            cursor_len: usize,
            buf: *mut u8,
            buf_len: usize,
            written: *mut usize,
        ) -> u32;
    }
}

/// What a function returned that did not do its work.
#[derive(Debug)]
pub struct Failed(pub u32);

fn check(status: u32) -> Result<(), Failed> {
    if status == 0 { Ok(()) } else { Err(Failed(status)) }
}

/// A namespace that is granted.
pub struct Space(u32);

impl Space {
    /// The namespace of that name.
    pub fn open(name: &str) -> Result<Self, Failed> {
        let mut space = 0;
        // SAFETY: the pointers are of values that live through the call, with their lengths. So below.
        check(unsafe { imports::open(name.as_ptr(), name.len(), &mut space) })?;
        Ok(Self(space))
    }

    /// The value of `key`, if it has one.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failed> {
        let mut value = vec![0; 256];
        loop {
            let mut len = 0;
            let status =
                unsafe { imports::get(self.0, key.as_ptr(), key.len(), value.as_mut_ptr(), value.len(), &mut len) };
            match status {
                NOT_FOUND => return Ok(None),
                TOO_SMALL => value.resize(len, 0),
                _ => {
                    check(status)?;
                    value.truncate(len);
                    return Ok(Some(value));
                }
            }
        }
    }

    /// Gives `key` that value.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Failed> {
        check(unsafe { imports::set(self.0, key.as_ptr(), key.len(), value.as_ptr(), value.len()) })
    }

    /// Removes `key`; false if it was not there.
    pub fn delete(&self, key: &str) -> Result<bool, Failed> {
        match unsafe { imports::delete(self.0, key.as_ptr(), key.len()) } {
            NOT_FOUND => Ok(false),
            status => check(status).map(|()| true),
        }
    }

    /// All keys that begin with `prefix`, in their order.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, Failed> {
        let mut keys: Vec<String> = Vec::new();
        let mut page = vec![0; 4096];
        loop {
            let behind = keys.last().map_or("", String::as_str);
            let mut len = 0;
            check(unsafe {
                imports::list(
                    self.0,
                    prefix.as_ptr(),
                    prefix.len(),
                    behind.as_ptr(),
                    behind.len(),
                    page.as_mut_ptr(),
                    page.len(),
                    &mut len,
                )
            })?;
            if len == 0 {
                return Ok(keys);
            }
            let mut rest = &page[..len];
            while let Some((size, tail)) = rest.split_first_chunk::<4>() {
                let (key, tail) = tail.split_at(u32::from_le_bytes(*size) as usize);
                keys.push(String::from_utf8_lossy(key).into_owned());
                rest = tail;
            }
        }
    }
}
