use super::*;

const TEXT: &str = "\
F /r/app.py\t<module>\t1
F /r/app.py\tView.get.<locals>.<lambda>\t10
F /usr/lib/json.py\tloads\t3
F /r/test_app.py\ttest_it\t5
C 3 2 1
C 2 99
C 9 1
O /r/data.json
O /etc/passwd
E
";

/// Names as they are, in a repository at `/r/`.
struct Plain;

impl Names for Plain {
    fn own_path(&mut self, path: &str) -> Option<String> {
        path.strip_prefix("/r/").map(str::to_owned)
    }
    fn definition(&mut self, _: &str, function: &str, _: u32) -> String {
        function.replace(".<locals>.<lambda>", "")
    }
}

fn read(texts: &[&str]) -> Trace {
    let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
    Trace::new(&texts, &mut Plain)
}

#[test]
fn what_ran_beneath_the_test() {
    let trace = read(&[TEXT]);
    let beneath = trace.beneath("test_app.py", "test_it");
    let found: Vec<(&str, u32)> =
        beneath.iter().map(|(place, distance)| (place.1.as_str(), *distance)).collect();
    assert_eq!(found, [("View.get", 1), ("test_it", 0)]);
    assert!(trace.beneath("other.py", "x").is_empty());
    assert_eq!(trace.all().len(), 3);
    assert!(trace.opened.iter().eq(["app.py", "data.json", "test_app.py"]));
    assert!(!trace.has_gaps && !trace.has_strangers);
}

#[test]
fn another_process_works_for_the_test() {
    let trace = read(&[TEXT, "F /r/server.py\tserve\t1\nF /r/server.py\thandle\t9\nC 0 1\nE\n"]);
    let beneath = trace.beneath("test_app.py", "test_it");
    let place = ("server.py".to_owned(), "handle".to_owned());
    assert_eq!(beneath.get(&place), Some(&OTHER_PROCESS));
}

#[test]
fn what_is_missing_is_known() {
    assert!(read(&[TEXT, ""]).has_gaps);
    assert!(read(&[TEXT, "U fork\nE\n"]).has_gaps);
    let trace = read(&["U program\nE\n"]);
    assert!(trace.has_strangers && !trace.has_gaps);
}

#[test]
fn noise_is_no_trace() {
    assert!(read(&["\nF\nC\nC x y\nC 18446744073709551615 0\nhello world\n"]).is_empty());
}
