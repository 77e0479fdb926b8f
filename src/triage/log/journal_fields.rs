//! journald's entries as fields, one a line: `journalctl -o export` and `-o verbose`. A message of several lines stands in the
//! export behind its length in bytes, and goes on in the verbose form below its first line, set in.

/// How far the verbose form sets a message's further lines in.
const SET_IN: &[u8] = b"            ";

/// Reads one line after the other.
#[derive(Debug, Default)]
pub(super) struct JournalFields {
    /// A message goes on in the next line.
    inside: bool,
    /// Lines are set in: the verbose form.
    verbose: bool,
}

impl JournalFields {
    /// What the line holds of a message.
    pub(super) fn line<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        if let Some(message) = line.trim_ascii_start().strip_prefix(b"MESSAGE=") {
            (self.inside, self.verbose) = (true, line.starts_with(b" "));
            return Some(message);
        }
        if line == b"MESSAGE" {
            (self.inside, self.verbose) = (true, false);
            return None;
        }
        self.inside &= !is_field(line);
        let behind = || line.strip_prefix(SET_IN).filter(|_| self.verbose).unwrap_or(line);
        self.inside.then(behind)
    }
}

/// `_PID=77`, in the verbose form set in by four.
fn is_field(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"    ").unwrap_or(line);
    let name =
        line.iter().take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_');
    let name = name.count();
    name > 2 && (name == line.len() || line[name] == b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_several_lines() {
        let mut fields = JournalFields::default();
        let mut read =
            |line: &str| fields.line(line.as_bytes()).map(|line| String::from_utf8_lossy(line).into_owned());
        assert_eq!(read("_PID=77"), None);
        assert_eq!(read("    MESSAGE=no page").as_deref(), Some("no page"));
        assert_eq!(read("              File").as_deref(), Some("  File"));
        assert_eq!(read("    _PID=77"), None);
        assert_eq!(read("    X = 1"), None);
        assert_eq!(read("MESSAGE"), None);
        assert_eq!(read("  File").as_deref(), Some("  File"));
        assert_eq!(read("                  ^^^").as_deref(), Some("                  ^^^"));
        assert_eq!(read("SYSLOG_IDENTIFIER=kiosk"), None);
        assert_eq!(read(""), None);
    }
}
