//! Finds and reads the files that a manifest names.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::Resolver;
use crate::error::Problem;

/// Where files come from.
pub(crate) struct Files<'a> {
    folder: &'a Path,
    resolver: &'a Resolver<'a>,
}

/// A file that was read.
pub(crate) struct File {
    /// The last part of its path, for guests that want to know.
    pub(crate) name: String,
    /// Its contents.
    pub(crate) bytes: Vec<u8>,
}

impl<'a> Files<'a> {
    /// Files are relative to `folder`, names that the tool knows go to `resolver`.
    pub(crate) fn new(folder: &'a Path, resolver: &'a Resolver<'a>) -> Self {
        Self { folder, resolver }
    }

    /// Reads the file of the key `key`.
    pub(crate) fn read(&self, key: &str, name: &Spanned<String>) -> Result<File, Problem> {
        let path = self.path(key, name)?;
        let bytes = fs::read(&path).map_err(|error| {
            let message = format!("cannot read the {key} {}: {error}", path.display());
            Problem::new(name.span(), message, "this file").help(
                "paths are relative to the manifest; names like `debian:cloud` and `busybox` are known to the tool",
            )
        })?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(File { name, bytes })
    }

    fn path(&self, key: &str, name: &Spanned<String>) -> Result<PathBuf, Problem> {
        let text = name.get_ref();
        if !is_known_name(text) {
            return Ok(self.folder.join(text));
        }
        (self.resolver)(text).map_err(|reason| {
            let message = format!("cannot provide the {key} `{text}`: {reason}");
            Problem::new(name.span(), message, "this name").help(format!("for a file of this name write `./{text}`"))
        })
    }
}

/// Whether the tool is asked: for `debian:cloud` and `busybox`, but not for `./busybox` and `/a:b`.
fn is_known_name(text: &str) -> bool {
    text == "busybox" || (text.contains(':') && !text.starts_with(['.', '/']))
}
