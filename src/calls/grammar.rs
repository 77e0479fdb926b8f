//! The words of the grammar that this room knows, as small enums.

use std::sync::LazyLock;

use tree_sitter::Language;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $($word:literal)|+),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name { Other, $($variant),+ }

        impl $name {
            fn from_word(word: &str) -> Self {
                match word {
                    $($($word)|+ => Self::$variant,)+
                    _ => Self::Other,
                }
            }
        }
    };
}

words!(
    /// Kinds of named nodes. Kinds that mean the same are one here: a tuple is a tuple with or without
    /// parentheses.
    Kind {
        Module = "module",
        Block = "block",
        Function = "function_definition",
        Class = "class_definition",
        Decorated = "decorated_definition",
        Decorator = "decorator",
        Call = "call",
        Arguments = "argument_list",
        KeywordArgument = "keyword_argument",
        Splat = "list_splat" | "parenthesized_list_splat",
        DoubleSplat = "dictionary_splat",
        Generator = "generator_expression",
        Attribute = "attribute",
        Identifier = "identifier",
        DottedName = "dotted_name",
        RelativeImport = "relative_import",
        ImportPrefix = "import_prefix",
        Import = "import_statement",
        ImportFrom = "import_from_statement",
        AliasedImport = "aliased_import",
        WildcardImport = "wildcard_import",
        Print = "print_statement",
        Exec = "exec_statement",
        Chevron = "chevron",
        Parenthesized = "parenthesized_expression",
        Tuple = "tuple" | "expression_list" | "pattern_list" | "tuple_pattern",
        Await = "await",
        Assignment = "assignment",
        AugmentedAssignment = "augmented_assignment",
        NamedExpression = "named_expression",
        ExpressionStatement = "expression_statement",
        Return = "return_statement",
        For = "for_statement",
        ForIn = "for_in_clause",
        AsPattern = "as_pattern",
        AsTarget = "as_pattern_target",
        ExceptClause = "except_clause",
        WithItem = "with_item",
        Lambda = "lambda",
        Parameters = "parameters" | "lambda_parameters",
        TypedParameter = "typed_parameter",
        DefaultParameter = "default_parameter",
        TypedDefaultParameter = "typed_default_parameter",
        SplatPattern = "list_splat_pattern",
        DoubleSplatPattern = "dictionary_splat_pattern",
        KeywordSeparator = "keyword_separator",
        PositionalSeparator = "positional_separator",
        Global = "global_statement" | "nonlocal_statement",
        Pattern = "list_pattern" | "case_pattern" | "splat_pattern" | "class_pattern" | "dict_pattern",
        String = "string",
        StringStart = "string_start",
        StringContent = "string_content",
        StringEnd = "string_end",
        Interpolation = "interpolation",
        FormatSpecifier = "format_specifier",
        Number = "integer" | "float",
        Comment = "comment",
        LineContinuation = "line_continuation",
        Delete = "delete_statement",
        TypeAlias = "type_alias_statement",
    }
);

words!(
    /// Fields that this room asks for.
    Field {
        Function = "function",
        Arguments = "arguments",
        Object = "object",
        Attribute = "attribute",
        Left = "left",
        Right = "right",
        Name = "name",
        Value = "value",
        Body = "body",
        Parameters = "parameters",
        ReturnType = "return_type",
        Superclasses = "superclasses",
        Definition = "definition",
        ModuleName = "module_name",
        Alias = "alias",
    }
);

/// The grammar with its tables.
pub(super) struct Grammar {
    pub(super) language: Language,
    kinds: Vec<Kind>,
    fields: Vec<Field>,
    dropped: Vec<bool>,
}

impl Grammar {
    pub(super) fn kind(&self, symbol: u16) -> Kind {
        self.kinds.get(usize::from(symbol)).copied().unwrap_or(Kind::Other)
    }

    pub(super) fn field(&self, id: u16) -> Field {
        self.fields.get(usize::from(id)).copied().unwrap_or(Field::Other)
    }

    /// Whether a token says nothing that the shape of the tree does not: brackets and separators of
    /// lists, comments, line continuations.
    pub(super) fn is_dropped(&self, symbol: u16) -> bool {
        self.dropped.get(usize::from(symbol)).copied().unwrap_or(false)
    }
}

pub(super) static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let language = Language::new(tree_sitter_python::LANGUAGE);
    let symbols = 0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
    let word = |symbol: u16| language.node_kind_for_id(symbol).unwrap_or_default();
    let kinds =
        symbols
            .clone()
            .map(|symbol| {
                if language.node_kind_is_named(symbol) { Kind::from_word(word(symbol)) } else { Kind::Other }
            })
            .collect();
    let dropped = symbols
        .map(|symbol| {
            matches!(word(symbol), "(" | ")" | "," | ";" | "comment" | "line_continuation" | "string_end")
        })
        .collect();
    let count = u16::try_from(language.field_count()).unwrap_or(u16::MAX);
    let fields =
        (0..=count).map(|id| language.field_name_for_id(id).map_or(Field::Other, Field::from_word)).collect();
    Grammar { language, kinds, fields, dropped }
});
