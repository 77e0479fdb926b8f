//! Scopes, call sites and bindings of one version of a file.

use std::ops::Range;

use super::bindings::{Binding, Bindings};
use super::flat_tree::{ItemId, Syntax};
use super::grammar::{Field, Kind};
use super::module_name::ModuleName;
use super::parse_plan::{Plan, Role};
use super::statements::closing;

/// Index of a scope; 0 is the module.
pub(super) type ScopeId = usize;
/// Index of a call site.
pub(super) type SiteId = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Module,
    Function,
    Class,
}

/// A module, function or class. Decorators, defaults and bases belong to what they stand at.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) kind: ScopeKind,
    /// With its decorators.
    pub(super) item: ItemId,
    /// The definition itself.
    pub(super) definition: ItemId,
    pub(super) name: String,
    /// Names from the module down, with dots.
    pub(super) path: String,
    pub(super) parent: ScopeId,
    pub(super) sites: Vec<SiteId>,
    pub(super) bindings: Bindings,
    /// Whether it is to be compared: others only explain names.
    pub(super) compared: bool,
}

/// Calls in so many others are left out. Each call is told of with its text, so that what they take together grows with
/// the depth; people write ten, and chains of builders fifty.
pub(super) const DEEPEST: usize = 100;

/// How an argument is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Position,
    /// The keyword's item.
    Keyword(ItemId),
    Star,
    DoubleStar,
}

#[derive(Debug, Clone)]
pub(super) struct Argument {
    pub(super) given: Given,
    /// The value.
    pub(super) item: ItemId,
}

/// One call.
#[derive(Debug)]
pub(super) struct Site {
    /// The call, plain decorator, or old print statement.
    pub(super) item: ItemId,
    /// None for a print or exec statement.
    pub(super) callee: Option<ItemId>,
    pub(super) arguments: Vec<Argument>,
    pub(super) scope: ScopeId,
    pub(super) awaited: bool,
    pub(super) decorator: bool,
    /// A decorator without arguments.
    pub(super) plain: bool,
    /// The innermost call around it, in the same scope.
    pub(super) parent: Option<SiteId>,
}

/// One version of a file, taken apart.
#[derive(Debug)]
pub(super) struct Extracted<'a> {
    pub(super) syntax: Syntax<'a>,
    pub(super) scopes: Vec<Scope>,
    pub(super) sites: Vec<Site>,
    /// Where the first call begins that is nested too deep.
    pub(super) deep_at: Option<usize>,
}

impl Extracted<'_> {
    /// The call that is this item.
    pub(super) fn site_at(&self, item: ItemId) -> Option<SiteId> {
        let at = self.sites.partition_point(|site| site.item < item);
        (self.sites.get(at)?.item == item).then_some(at)
    }
}

/// Take a version apart.
pub(super) fn extract<'a>(syntax: Syntax<'a>, plan: &Plan, module: &ModuleName) -> Extracted<'a> {
    let mut walk = Walk {
        plan,
        module,
        open: vec![(0, usize::MAX)],
        calls: Vec::new(),
        scopes: Vec::new(),
        sites: Vec::new(),
        deep_at: None,
    };
    walk.scopes.push(Scope {
        kind: ScopeKind::Module,
        item: 0,
        definition: 0,
        name: String::new(),
        path: String::new(),
        parent: 0,
        sites: Vec::new(),
        bindings: Bindings::default(),
        compared: true,
    });
    for item in 0..syntax.items.len() {
        walk.visit(&syntax, item);
    }
    Extracted { scopes: walk.scopes, sites: walk.sites, syntax, deep_at: walk.deep_at }
}

struct Walk<'p> {
    plan: &'p Plan,
    module: &'p ModuleName,
    /// Open scopes and where their subtrees end.
    open: Vec<(ScopeId, ItemId)>,
    /// Open calls and where their subtrees end.
    calls: Vec<(SiteId, ItemId)>,
    scopes: Vec<Scope>,
    sites: Vec<Site>,
    deep_at: Option<usize>,
}

impl Walk<'_> {
    fn scope(&self) -> ScopeId {
        self.open.last().map_or(0, |&(scope, _)| scope)
    }

    fn bind(&mut self, name: &str, binding: Binding) {
        let scope = self.scope();
        self.scopes[scope].bindings.add(name, binding);
    }

    fn visit(&mut self, syntax: &Syntax, item: ItemId) {
        while self.open.last().is_some_and(|&(_, after)| after <= item) {
            self.open.pop();
        }
        while self.calls.last().is_some_and(|&(_, after)| after <= item) {
            self.calls.pop();
        }
        match syntax.kind(item) {
            Kind::Function | Kind::Class if !is_decorated(syntax, item) => {
                self.open_scope(syntax, item, item);
            }
            Kind::Decorated => {
                if let Some(definition) = syntax.child(item, Field::Definition) {
                    self.open_scope(syntax, item, definition);
                }
            }
            Kind::Call | Kind::Print | Kind::Exec | Kind::Decorator => self.visit_call(syntax, item),
            Kind::TypeAlias if type_call_end(syntax, item).is_some() => self.visit_call(syntax, item),
            _ => self.visit_binding(syntax, item),
        }
    }

    fn open_scope(&mut self, syntax: &Syntax, item: ItemId, definition: ItemId) {
        let parent = self.scope();
        let name = syntax.child(definition, Field::Name).map(|name| syntax.text(name).into_owned());
        let name = name.unwrap_or_default();
        let outer = &self.scopes[parent];
        let path = if outer.path.is_empty() { name.clone() } else { format!("{}.{name}", outer.path) };
        let kind = match syntax.kind(definition) {
            Kind::Class => ScopeKind::Class,
            _ => ScopeKind::Function,
        };
        let role = self.plan.role(syntax.items[item].start);
        let compared = outer.compared && matches!(role, Role::Wanted | Role::Header);
        let binding = match kind {
            ScopeKind::Class => Binding::Class(path.clone()),
            _ => Binding::Function(path.clone()),
        };
        // What stands at the top of a file is bound from its text.
        if syntax.kind(syntax.items[item].parent) != Kind::Module {
            self.bind(&name, binding);
        }
        let bindings = match kind {
            ScopeKind::Function => parameters(syntax, definition, &self.scopes[parent], item),
            _ => Bindings::default(),
        };
        let scope = self.scopes.len();
        self.scopes.push(Scope {
            kind,
            item,
            definition,
            name,
            path,
            parent,
            sites: Vec::new(),
            bindings,
            compared,
        });
        self.open.push((scope, syntax.items[item].after));
    }

    fn visit_call(&mut self, syntax: &Syntax, item: ItemId) {
        let this = &syntax.items[item];
        let scope = self.scope();
        let is_wanted = self.plan.role(this.start) == Role::Wanted;
        let inside_call = this.kind == Kind::Decorator && decorated_call(syntax, item).is_some();
        if !is_wanted || !self.scopes[scope].compared || inside_call {
            return;
        }
        if self.calls.len() >= DEEPEST {
            self.deep_at = self.deep_at.or(Some(this.start));
            return;
        }
        let parent_kind = syntax.kind(this.parent);
        let (callee, arguments) = match this.kind {
            Kind::Call => (syntax.child(item, Field::Function), arguments(syntax, item)),
            Kind::Decorator => (syntax.named_children(item).next(), Vec::new()),
            Kind::TypeAlias => (None, type_call_arguments(syntax, item)),
            _ => (None, statement_arguments(syntax, item)),
        };
        let site = self.sites.len();
        let parent =
            self.calls.last().map(|&(parent, _)| parent).filter(|&parent| self.sites[parent].scope == scope);
        self.sites.push(Site {
            item,
            callee,
            arguments,
            scope,
            awaited: parent_kind == Kind::Await,
            decorator: this.kind == Kind::Decorator || parent_kind == Kind::Decorator,
            plain: this.kind == Kind::Decorator,
            parent,
        });
        self.scopes[scope].sites.push(site);
        self.calls.push((site, this.after));
    }

    fn visit_binding(&mut self, syntax: &Syntax, item: ItemId) {
        let opaque = |walk: &mut Self, target: Option<ItemId>| {
            for name in target.map(|target| bound_names(syntax, target)).unwrap_or_default() {
                walk.bind(&name, Binding::Opaque);
            }
        };
        match syntax.kind(item) {
            Kind::Import | Kind::ImportFrom => {
                let scope = self.scope();
                self.scopes[scope].bindings.add_import(syntax, item, self.module);
            }
            Kind::Assignment if !stands_at_top(syntax, item) => {
                self.bind_assignment(syntax, item, Field::Left, Field::Right);
            }
            Kind::NamedExpression => self.bind_assignment(syntax, item, Field::Name, Field::Value),
            Kind::AugmentedAssignment | Kind::For | Kind::ForIn => {
                opaque(self, syntax.child(item, Field::Left));
            }
            Kind::AsTarget | Kind::Delete => opaque(self, Some(item)),
            Kind::ExceptClause => opaque(self, syntax.child(item, Field::Alias)),
            Kind::Lambda => opaque(self, syntax.child(item, Field::Parameters)),
            Kind::Global => {
                let scope = self.scope();
                for name in bound_names(syntax, item) {
                    self.scopes[scope].bindings.forget(&name);
                }
            }
            _ => {}
        }
    }

    fn bind_assignment(&mut self, syntax: &Syntax, item: ItemId, left: Field, right: Field) {
        let (Some(left), Some(right)) = (syntax.child(item, left), syntax.child(item, right)) else { return };
        if syntax.kind(left) != Kind::Identifier {
            for name in bound_names(syntax, left) {
                self.bind(&name, Binding::Opaque);
            }
            return;
        }
        let called = || syntax.child(right, Field::Function).and_then(|callee| dotted(syntax, callee));
        let binding = match syntax.kind(right) {
            Kind::Call => called().map_or(Binding::Opaque, Binding::Instance),
            _ => dotted(syntax, right).map_or(Binding::Opaque, Binding::Alias),
        };
        self.bind(&syntax.text(left), binding);
    }
}

fn is_decorated(syntax: &Syntax, definition: ItemId) -> bool {
    definition > 0 && syntax.kind(syntax.items[definition].parent) == Kind::Decorated
}

/// An assignment at the top of the file, which is read from its text.
fn stands_at_top(syntax: &Syntax, item: ItemId) -> bool {
    let statement = syntax.items[item].parent;
    syntax.kind(statement) == Kind::ExpressionStatement
        && syntax.kind(syntax.items[statement].parent) == Kind::Module
}

fn decorated_call(syntax: &Syntax, decorator: ItemId) -> Option<ItemId> {
    syntax.named_children(decorator).next().filter(|&child| syntax.kind(child) == Kind::Call)
}

fn arguments(syntax: &Syntax, call: ItemId) -> Vec<Argument> {
    let Some(list) = syntax.child(call, Field::Arguments) else { return Vec::new() };
    if syntax.kind(list) != Kind::Arguments {
        return vec![Argument { given: Given::Position, item: list }];
    }
    syntax.named_children(list).map(|child| argument(syntax, child)).collect()
}

fn argument(syntax: &Syntax, item: ItemId) -> Argument {
    let value = || syntax.named_children(item).next().unwrap_or(item);
    match syntax.kind(item) {
        Kind::KeywordArgument => {
            let keyword = syntax.child(item, Field::Name).unwrap_or(item);
            let value = syntax.child(item, Field::Value).unwrap_or(item);
            Argument { given: Given::Keyword(keyword), item: value }
        }
        Kind::Splat => Argument { given: Given::Star, item: value() },
        Kind::DoubleSplat => Argument { given: Given::DoubleStar, item: value() },
        _ => Argument { given: Given::Position, item },
    }
}

/// The grammar reads `type(x).y = z` as a type alias. The end of the call in it.
pub(super) fn type_call_end(syntax: &Syntax, item: ItemId) -> Option<usize> {
    if syntax.kind(item) != Kind::TypeAlias {
        return None;
    }
    let start = syntax.items[item].start;
    let text = syntax.bytes(item).strip_prefix(b"type")?;
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let open = start + "type".len() + blanks;
    (syntax.source.get(open) == Some(&b'(')).then(|| closing(syntax.source, open))?
}

fn type_call_arguments(syntax: &Syntax, item: ItemId) -> Vec<Argument> {
    let start = syntax.items[item].start;
    let open = start + syntax.bytes(item).iter().position(|&byte| byte == b'(').unwrap_or(0);
    let list = syntax
        .subtree(item)
        .find(|&inner| syntax.items[inner].start == open && syntax.kind(inner) == Kind::Tuple);
    match list {
        Some(list) => syntax.named_children(list).map(|child| argument(syntax, child)).collect(),
        None => {
            let value = syntax.subtree(item).find(|&inner| syntax.items[inner].start > open);
            value.map(|value| argument(syntax, value)).into_iter().collect()
        }
    }
}

/// `print a, b` has the arguments of `print(a, b)`.
fn statement_arguments(syntax: &Syntax, item: ItemId) -> Vec<Argument> {
    let mut found = Vec::new();
    for child in syntax.named_children(item) {
        match syntax.kind(child) {
            Kind::Tuple => found.extend(syntax.named_children(child).map(|part| argument(syntax, part))),
            _ => found.push(argument(syntax, child)),
        }
    }
    found
}

/// The parts of `a.b.c`; None for anything else.
pub(super) fn dotted(syntax: &Syntax, item: ItemId) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut at = item;
    loop {
        match syntax.kind(at) {
            Kind::Identifier => {
                parts.push(syntax.text(at).into_owned());
                parts.reverse();
                return Some(parts);
            }
            Kind::Attribute => {
                parts.push(syntax.text(syntax.child(at, Field::Attribute)?).into_owned());
                at = syntax.child(at, Field::Object)?;
            }
            _ => return None,
        }
    }
}

/// The names that a target binds: `a, (b, *c)`, but not those of `a.b` and `a[b]`.
pub(super) fn bound_names(syntax: &Syntax, target: ItemId) -> Vec<String> {
    let mut names = Vec::new();
    let Range { start: mut at, end } = syntax.subtree(target);
    while at < end {
        match syntax.kind(at) {
            Kind::Identifier => {
                names.push(syntax.text(at).into_owned());
                at += 1;
            }
            Kind::DefaultParameter | Kind::TypedDefaultParameter => {
                names.extend(syntax.child(at, Field::Name).map(|name| syntax.text(name).into_owned()));
                at = syntax.items[at].after;
            }
            Kind::TypedParameter => {
                let inner = syntax.named_children(at).next();
                names.extend(inner.map(|inner| bound_names(syntax, inner)).unwrap_or_default());
                at = syntax.items[at].after;
            }
            Kind::Tuple
            | Kind::Pattern
            | Kind::Splat
            | Kind::SplatPattern
            | Kind::DoubleSplatPattern
            | Kind::Parameters
            | Kind::AsTarget
            | Kind::Global
            | Kind::Delete => at += 1,
            _ => at = syntax.items[at].after,
        }
    }
    names
}

fn parameters(syntax: &Syntax, definition: ItemId, around: &Scope, item: ItemId) -> Bindings {
    let mut bindings = Bindings::default();
    let Some(list) = syntax.child(definition, Field::Parameters) else { return bindings };
    let is_static = decorator_names(syntax, item).iter().any(|name| name == "staticmethod");
    let mut is_receiver = around.kind == ScopeKind::Class && !is_static;
    for name in bound_names(syntax, list) {
        let binding = if is_receiver { Binding::Receiver(around.path.clone()) } else { Binding::Opaque };
        is_receiver = false;
        bindings.add(&name, binding);
    }
    bindings
}

/// The decorators of a definition, dotted, those with arguments without them. What is no dotted name
/// is given as an empty text.
pub(super) fn decorator_names(syntax: &Syntax, item: ItemId) -> Vec<String> {
    let decorators = syntax.children(item).filter(|&child| syntax.kind(child) == Kind::Decorator);
    decorators
        .map(|decorator| {
            let called =
                decorated_call(syntax, decorator).and_then(|call| syntax.child(call, Field::Function));
            let callee = called.or_else(|| syntax.named_children(decorator).next());
            callee.and_then(|callee| dotted(syntax, callee)).unwrap_or_default().join(".")
        })
        .collect()
}
