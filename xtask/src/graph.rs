//! The crates of the workspace as cargo sees them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{cargo, output};

/// One member of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) published: bool,
    pub(crate) version: String,
    pub(crate) rust_version: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One dependency that a member declares.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// Reads the workspace's members from `cargo metadata`.
pub(crate) fn members() -> Result<Vec<Package>> {
    let text = output(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let manifest = PathBuf::from(text_of(package, "manifest_path")?);
            Ok(Package {
                name: text_of(package, "name")?,
                folder: manifest.parent().context("a manifest without a folder")?.to_path_buf(),
                published: package["publish"] != Value::Array(Vec::new()),
                version: text_of(package, "version")?,
                rust_version: text_of(package, "rust_version")?,
                dependencies: list(&package["dependencies"])
                    .iter()
                    .map(|dependency| {
                        Ok(Dependency {
                            name: text_of(dependency, "name")?,
                            kind: match dependency["kind"].as_str() {
                                Some("dev") => Kind::Dev,
                                Some("build") => Kind::Build,
                                _ => Kind::Normal,
                            },
                        })
                    })
                    .collect::<Result<_>>()?,
            })
        })
        .collect()
}

/// Every package that the published crates pull into a plain build, one a line as `name version`.
pub(crate) fn shipped(package: &str) -> Result<Vec<String>> {
    let tree = output(cargo().args([
        "tree",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--target",
        "all",
        "--format",
        "{p}",
        "--package",
        package,
    ]))?;
    Ok(tree.lines().map(str::to_owned).collect())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text_of(value: &Value, key: &str) -> Result<String> {
    value[key].as_str().map(str::to_owned).with_context(|| format!("cargo metadata lacks {key}"))
}
