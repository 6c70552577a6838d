//! Values on the command line that are more than a number or a name.

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: u64,
}

/// Reads `NAME=VALUE`; a value is a whole number, `true` or `false`.
pub(crate) fn parse_setting(text: &str) -> Result<Setting, String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("'{text}' has no '='; write NAME=VALUE"))?;
    let value = match value {
        "true" => 1,
        "false" => 0,
        _ => value.parse().map_err(|_| {
            format!("'{value}' is neither a whole number that fits 64 bits nor true or false")
        })?,
    };
    Ok(Setting { name: name.to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_a_name_and_a_number_or_bool() {
        let set = |name: &str, value| Ok(Setting { name: name.to_owned(), value });
        assert_eq!(parse_setting("reportTime=10"), set("reportTime", 10));
        assert_eq!(parse_setting("on=true"), set("on", 1));
        assert!(parse_setting("on").is_err());
        assert!(parse_setting("on=-1").is_err());
    }
}
