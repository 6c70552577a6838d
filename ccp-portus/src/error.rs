//! The one error of this interface: text. The agent beneath has typed ones.

use std::error::Error as StdError;

/// What every fallible function here returns.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, as text.
///
/// It does not implement [`std::error::Error`], so that every error which does can become one by
/// `?`. The causes of that error are kept in the text.
#[derive(Clone, Debug)]
pub struct Error(pub String);

impl<T: StdError> From<T> for Error {
    fn from(error: T) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let said = error.to_string();
            // Some errors show their cause themselves.
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        Self(text)
    }
}

/// The report was sent by another program than the one the scope belongs to.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the report was sent by another program than that of the scope")]
pub struct StaleProgramError;

/// The name belongs to a variable that reports do not carry.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the field is in the scope but is not a report variable")]
pub struct InvalidRegTypeError;

/// The report is too short to carry the variable.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the report is too short to carry the field")]
pub struct InvalidReportError;

/// The scope has no variable of that name.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the field is not in the scope")]
pub struct FieldNotFoundError;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::num::ParseIntError);

    fn parse(text: &str) -> Result<u8> {
        Ok(text.parse()?)
    }

    #[test]
    fn any_error_becomes_one_and_keeps_its_causes() {
        assert_eq!(parse("7").unwrap(), 7);
        let cause = "x".parse::<u8>().unwrap_err();
        assert_eq!(parse("x").unwrap_err().0, cause.to_string());
        assert_eq!(Error::from(Outer(cause.clone())).0, format!("outer: {cause}"));
        assert!(Error::from(StaleProgramError).0.contains("another program"));
    }
}
