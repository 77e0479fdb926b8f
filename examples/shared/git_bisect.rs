//! What `git bisect run` prints.

/// The commits that git names. Its wording differs between versions: `X is the first bad commit`,
/// `X is the first 'bad' commit`.
pub(crate) fn blamed(output: &str) -> Vec<String> {
    let is_id = |word: &str| word.len() == 40 && word.chars().all(|c| c.is_ascii_hexdigit());
    if let Some(line) = output.lines().find(|line| line.contains(" is the first ") && line.contains("commit"))
    {
        return line.split_whitespace().next().map(str::to_owned).into_iter().collect();
    }
    let mut lines = output.lines().skip_while(|line| !line.starts_with("The first "));
    lines.next();
    lines.map(str::trim).filter(|line| is_id(line)).map(str::to_owned).collect()
}
