//! Commands that start no Python: `grep -q name app.py`, `sh -c 'test -f x && ! cmp a b'`. For them no environment is made.

use std::ffi::OsString;

/// Programs that start no other ones, whatever they are told.
const PLAIN: [&str; 22] = [
    "[", "[[", "cat", "cmp", "cut", "diff", "du", "echo", "egrep", "false", "fgrep", "grep", "head", "jq",
    "ls", "printf", "rg", "stat", "tail", "test", "true", "wc",
];
/// Words of the shell that a command may begin with, or that stand before one.
const BUILTIN: [&str; 4] = [":", "cd", "exit", "set"];
const BEFORE: [&str; 9] = ["!", "if", "then", "elif", "else", "while", "until", "do", "time"];
const ALONE: [&str; 3] = ["fi", "done", ""];

/// Whether a command surely starts no Python.
#[must_use]
pub fn starts_no_python(command: &[OsString]) -> bool {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [shell, "-c" | "-ec" | "-ce", script]
            if matches!(file_name(shell), "sh" | "bash" | "dash" | "zsh") =>
        {
            commands_of(script).is_some_and(|commands| commands.iter().all(|command| is_plain(command)))
        }
        [program, ..] => PLAIN.contains(&file_name(program)),
        [] => false,
    }
}

fn is_plain(command: &str) -> bool {
    let words = shell_words::split(command).unwrap_or_else(|_| vec!["?".to_owned()]);
    let mut words = words.iter().map(String::as_str).skip_while(|word| BEFORE.contains(word));
    match words.next() {
        None => true,
        Some(word) => ALONE.contains(&word) || BUILTIN.contains(&word) || PLAIN.contains(&file_name(word)),
    }
}

/// The commands of a script, between its operators; `None` where it is more than these.
fn commands_of(script: &str) -> Option<Vec<String>> {
    let mut commands = vec![String::new()];
    let mut quote = None;
    let mut characters = script.chars();
    while let Some(character) = characters.next() {
        let is_redirection = character == '&' && commands.last()?.ends_with('>');
        let is_operator =
            quote.is_none() && !is_redirection && matches!(character, ';' | '|' | '&' | '\n' | '(' | ')');
        match character {
            // What these bring is not looked into.
            '`' | '$' if quote != Some('\'') => return None,
            '<' | '#' if quote.is_none() => return None,
            '\\' if quote != Some('\'') => {
                commands.last_mut()?.extend([character, characters.next()?]);
                continue;
            }
            '\'' | '"' if quote.is_none() => quote = Some(character),
            _ if quote == Some(character) => quote = None,
            _ => {}
        }
        if is_operator {
            commands.push(String::new());
        } else {
            commands.last_mut()?.push(character);
        }
    }
    quote.is_none().then_some(commands)
}

fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surely_starts_no_python_is_told_from_what_may() {
        for (command, expected) in [
            ("grep -q name app.py", true),
            ("/usr/bin/test -f x", true),
            ("sh -c 'grep -q a x'", true),
            ("sh -c 'if ! grep -q \"a;b\" x; then exit 1; fi'", true),
            ("bash -ec 'cd src && cat a | head -n 3\ncmp a b 2>&1'", true),
            ("sh -c 'grep -q a x && ./check'", false),
            ("sh -c 'grep -q \"$(python -V)\" x'", false),
            ("sh -c 'echo `python x`'", false),
            ("sh -c 'cat <(python x)'", false),
            ("sh -c 'X=1 python x'", false),
            ("sh -c '(python x)'", false),
            ("sh -c \"grep a 'x\"", false),
            ("sh -c 'grep a x' python", false),
            ("sh check.sh", false),
            ("python smoke.py", false),
            ("pytest", false),
            ("make test", false),
            ("./smoke", false),
            ("env python smoke.py", false),
            ("git grep x", false),
        ] {
            let words = shell_words::split(command).unwrap_or_else(|_| {
                command.splitn(3, ' ').map(|word| word.trim_matches('"').to_owned()).collect()
            });
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            assert_eq!(starts_no_python(&words), expected, "{command}");
        }
    }
}
