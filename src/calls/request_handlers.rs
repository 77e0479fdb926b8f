//! Functions that answer a user's request, and whether an exception in them is caught: for calls that may raise one.

use std::ops::Range;

use tree_sitter::Node;

use super::parse::parse;

/// Last words of decorators that make a function answer requests, of Flask, Quart, Sanic, FastAPI, Starlette, aiohttp,
/// Bottle, Litestar, Pyramid, CherryPy, Django Ninja and Django REST framework.
const ROUTES: [&str; 12] = [
    "route",
    "api_route",
    "websocket",
    "websocket_route",
    "view",
    "view_config",
    "api_view",
    "expose",
    "handler",
    "action",
    "endpoint",
    "api_operation",
];

/// Methods of HTTP: decorators (`@app.get("/")`) of a router, and methods of a class of views.
const VERBS: [&str; 8] = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/// Other methods of classes of views.
const ACTIONS: [&str; 8] =
    ["dispatch", "list", "create", "retrieve", "update", "partial_update", "destroy", "on_get"];

/// How bases of classes end whose methods answer requests, of Django, Flask, Tornado, Starlette, Flask-RESTful, Falcon.
const VIEWS: [&str; 6] = ["View", "ViewSet", "RequestHandler", "HTTPEndpoint", "Resource", "APIController"];

/// The function that answers requests and in which this call stands, as `name (by what it is known)`, where no `except`
/// catches what the call raises; `None` where it stands elsewhere, is caught, or is in no Python.
///
/// Only the innermost function counts: one that is defined within a handler may run at any time. Handlers of errors that
/// an application registers are not looked for: what they answer is not what the user came for.
#[must_use]
pub fn unguarded_in_handler(source: &[u8], call: Range<usize>) -> Option<String> {
    let tree = parse(source, std::slice::from_ref(&(0..source.len())))?;
    let mut at = tree.root_node().descendant_for_byte_range(call.start, call.end.max(call.start + 1))?;
    while let Some(around) = at.parent() {
        match around.kind() {
            "try_statement" if catches(around, at, source) => return None,
            "with_statement" if is_body(around, at) && suppresses(around, source) => return None,
            "function_definition" => {
                return if is_body(around, at) { handler(around, source) } else { None };
            }
            "lambda" | "class_definition" => return None,
            _ => {}
        }
        at = around;
    }
    None
}

fn text<'a>(node: Node<'_>, source: &'a [u8]) -> &'a str {
    std::str::from_utf8(&source[node.byte_range()]).unwrap_or_default()
}

fn is_body(around: Node<'_>, inner: Node<'_>) -> bool {
    around.child_by_field_name("body") == Some(inner)
}

/// Whether this is the guarded part of a `try` with an `except` that does not only raise again.
fn catches(around: Node<'_>, inner: Node<'_>, source: &[u8]) -> bool {
    let mut cursor = around.walk();
    is_body(around, inner)
        && around.named_children(&mut cursor).any(|clause| {
            let is_clause = matches!(clause.kind(), "except_clause" | "except_group_clause");
            is_clause && !only_raises(clause, source)
        })
}

/// `except …: raise`: nothing is caught.
fn only_raises(clause: Node<'_>, source: &[u8]) -> bool {
    let count = u32::try_from(clause.named_child_count()).unwrap_or(u32::MAX);
    let block = count.checked_sub(1).and_then(|last| clause.named_child(last));
    block.is_some_and(|block| text(block, source).trim() == "raise")
}

fn suppresses(around: Node<'_>, source: &[u8]) -> bool {
    let mut cursor = around.walk();
    let clause = around.named_children(&mut cursor).find(|child| child.kind() == "with_clause");
    clause.is_some_and(|clause| {
        text(clause, source).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "suppress")
    })
}

/// By what a function is known to answer requests.
fn handler(function: Node<'_>, source: &[u8]) -> Option<String> {
    let name = text(function.child_by_field_name("name")?, source);
    let decorated = function.parent().filter(|parent| parent.kind() == "decorated_definition");
    let route = decorated.and_then(|decorated| route(decorated, source));
    let outer = decorated.unwrap_or(function).parent().filter(|parent| parent.kind() == "block");
    let class = outer.and_then(|block| block.parent()).filter(|parent| parent.kind() == "class_definition");
    let known = route
        .or_else(|| class.and_then(|class| view(class, name, source)))
        .or_else(|| class.is_none().then(|| takes_a_request(function, source)).flatten())?;
    Some(format!("{name} ({known})"))
}

fn route(decorated: Node<'_>, source: &[u8]) -> Option<String> {
    let mut cursor = decorated.walk();
    decorated.named_children(&mut cursor).filter(|child| child.kind() == "decorator").find_map(|decorator| {
        let written = text(decorator, source).trim_start_matches('@').trim();
        let (callee, is_called) = match written.split_once('(') {
            Some((callee, _)) => (callee.trim(), true),
            None => (written, false),
        };
        let (receiver, word) = callee.rsplit_once('.').unwrap_or(("", callee));
        // `@cache.get` is no route, `@app.get("/")` is; `@property.getter` is neither.
        let is_verb = is_called && !receiver.is_empty() && VERBS.contains(&word);
        (ROUTES.contains(&word) || is_verb).then(|| format!("@{callee}"))
    })
}

fn view(class: Node<'_>, method: &str, source: &[u8]) -> Option<String> {
    let is_answer = VERBS.contains(&method) || ACTIONS.contains(&method) || method.starts_with("on_");
    let bases = class.child_by_field_name("superclasses").filter(|_| is_answer)?;
    let mut cursor = bases.walk();
    let base = bases.named_children(&mut cursor).map(|base| text(base, source)).find(|base| {
        let last = base.split('[').next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
        VIEWS.iter().any(|view| last.ends_with(view))
    })?;
    Some(format!("of a {base}"))
}

/// Django's and Starlette's views are plain functions of a request; WSGI and ASGI applications tell themselves likewise.
fn takes_a_request(function: Node<'_>, source: &[u8]) -> Option<String> {
    let parameters = function.child_by_field_name("parameters")?;
    let mut cursor = parameters.walk();
    let names: Vec<&str> = parameters
        .named_children(&mut cursor)
        .map(|one| text(one, source).split([':', '=']).next().unwrap_or_default().trim())
        .collect();
    match names.as_slice() {
        ["request", ..] => Some("takes a request".to_owned()),
        ["environ", "start_response"] => Some("a WSGI application".to_owned()),
        ["scope", "receive", "send"] => Some("an ASGI application".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of the call of `load` in it.
    fn found(source: &str) -> Option<String> {
        let start = source.find("load(").unwrap();
        unguarded_in_handler(source.as_bytes(), start..start + "load(f)".len())
    }

    #[test]
    fn what_answers_requests_is_known_by_its_decorator_its_class_or_its_parameters() {
        for (source, known) in [
            (
                "@app.route('/your-url', methods=['POST'])\ndef your_url():\n    urls = load(f)\n",
                "your_url (@app.route)",
            ),
            ("@router.get('/')\nasync def home():\n    return await load(f)\n", "home (@router.get)"),
            ("@login_required\n@bp.post('/x')\ndef x(id):\n    if id:\n        load(f)\n", "x (@bp.post)"),
            (
                "class Home(views.TemplateView):\n    def get(self, request):\n        load(f)\n",
                "get (of a views.TemplateView)",
            ),
            (
                "class Main(tornado.web.RequestHandler):\n    @x\n    def post(self):\n        load(f)\n",
                "post (of a tornado.web.RequestHandler)",
            ),
            ("def index(request, pk=None):\n    load(f)\n", "index (takes a request)"),
            ("def application(environ, start_response):\n    load(f)\n", "application (a WSGI application)"),
            (
                "@app.route('/')\ndef x():\n    try:\n        y()\n    except E:\n        load(f)\n",
                "x (@app.route)",
            ),
            (
                "@app.route('/')\ndef x():\n    try:\n        load(f)\n    finally:\n        y()\n",
                "x (@app.route)",
            ),
            (
                "@app.route('/')\ndef x():\n    try:\n        load(f)\n    except E:\n        raise\n",
                "x (@app.route)",
            ),
        ] {
            assert_eq!(found(source).as_deref(), Some(known), "{source}");
        }
    }

    #[test]
    fn what_is_caught_or_answers_nobody_is_no_finding() {
        for source in [
            "load(f)\n",
            "def helper(path):\n    load(f)\n",
            "class Store:\n    def get(self, request):\n        load(f)\n",
            "class Home(View):\n    def helper(self):\n        load(f)\n",
            "@cache.get\ndef x():\n    load(f)\n",
            "@app.route(load(f))\ndef x():\n    pass\n",
            "@app.route('/')\ndef x(a=load(f)):\n    pass\n",
            "@app.route('/')\ndef x():\n    try:\n        load(f)\n    except ValueError:\n        return 'sorry'\n",
            "@app.route('/')\ndef x():\n    try:\n        with y:\n            load(f)\n    except* ValueError:\n        pass\n",
            "@app.route('/')\ndef x():\n    with contextlib.suppress(OSError):\n        load(f)\n",
            "@app.route('/')\ndef x():\n    def later():\n        load(f)\n    return later\n",
            "@app.route('/')\ndef x():\n    return lambda: load(f)\n",
        ] {
            assert_eq!(found(source), None, "{source}");
        }
    }
}
