use super::*;

fn texts(source: &str) -> Vec<&str> {
    top_level(source.as_bytes()).iter().map(|statement| &source[statement.range.clone()]).collect()
}

#[test]
fn brackets_strings_and_clauses_belong_to_one_statement() {
    let source = "x = [\n1,\n]\ny = '''\nz = 1\n'''\nif x:\n  pass\n# between\nelse:\n  pass\n@a\n@b(1)\ndef f():\n  pass\n";
    assert_eq!(
        texts(source),
        [
            "x = [\n1,\n]\n",
            "y = '''\nz = 1\n'''\n",
            "if x:\n  pass\n# between\nelse:\n  pass\n",
            "@a\n@b(1)\ndef f():\n  pass\n",
        ]
    );
    let statements = top_level(source.as_bytes());
    assert_eq!(statements[3].form, Form::Function);
    assert_eq!(statements[3].name(source.as_bytes()), b"f");
}

#[test]
fn a_class_falls_into_members() {
    let source = "@d\nclass A(B,\n  C):\n    'doc'\n\n    x = 1\n    def f(self):\n        pass\n    class B: pass\ny = 1\n";
    let statements = top_level(source.as_bytes());
    assert_eq!(statements.len(), 2);
    assert_eq!(&source[statements[0].range.start..statements[0].header_end], "@d\nclass A(B,\n  C):\n");
    let inner = members(source.as_bytes(), &statements[0]).unwrap();
    let forms: Vec<Form> = inner.iter().map(|member| member.form).collect();
    assert_eq!(forms, [Form::Simple, Form::Simple, Form::Function, Form::Class]);
    assert!(members(source.as_bytes(), &inner[3]).is_none());
}

#[test]
fn soft_keywords_and_async() {
    let forms = |source: &str| -> Vec<Form> {
        top_level(source.as_bytes()).iter().map(|statement| statement.form).collect()
    };
    assert_eq!(
        forms("match = 1\nmatch(x)\nmatch x: # why\n  case 1: pass\n"),
        [Form::Simple, Form::Simple, Form::Compound]
    );
    assert_eq!(forms("async def f(): pass\nasync with a: pass\n"), [Form::Function, Form::Compound]);
}

#[test]
fn a_closing_bracket_is_found_past_strings_and_comments() {
    assert_eq!(closing(b"(a, ')' # )\n)x", 0), Some(13));
    assert_eq!(closing(b"(a", 0), None);
}

#[derive(serde::Deserialize)]
struct Judged {
    path: std::path::PathBuf,
    statements: Option<Vec<(usize, usize)>>,
}

/// Every module at the top of the standard library.
#[test]
fn statements_are_those_of_cpythons_parser() {
    let list = "import glob, sysconfig; print(*sorted(glob.glob(sysconfig.get_path('stdlib') + '/[a-l]*.py')), sep='\\n')";
    let paths = std::process::Command::new("python3").args(["-c", list]).output().unwrap().stdout;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/call_pairs/ast_calls.py");
    let mut python = std::process::Command::new("python3")
        .arg(script)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), &paths).unwrap();
    let output = python.wait_with_output().unwrap();
    let mut count = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let judged: Judged = serde_json::from_str(line).unwrap();
        let Some(theirs) = judged.statements else { continue };
        let source = std::fs::read(&judged.path).unwrap();
        let line_of = |byte: usize| 1 + memchr_iter(b'\n', &source[..byte]).count();
        let ours: Vec<(usize, usize)> = top_level(&source)
            .iter()
            .map(|statement| {
                let text = statement.text(&source).trim_ascii_end();
                (line_of(statement.range.start), line_of(statement.range.start + text.len()))
            })
            .collect();
        assert_eq!(ours, theirs, "{}", judged.path.display());
        count += ours.len();
    }
    assert!(count > 1_500, "{count}");
}
