//! One question of a form, and what was wrong with its answer.

/// What sort of control asks the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InputKind {
    Line,
    Short,
    Password,
    /// Number of rows.
    Text(usize),
    /// Policy text, in a typeface where columns line up. Number of rows.
    Source(usize),
    Select(Vec<Choice>),
    Radios(Vec<Choice>),
    Tick,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) hint: String,
    pub(crate) kind: InputKind,
    pub(crate) value: String,
    pub(crate) is_required: bool,
    pub(crate) longest: u32,
    pub(crate) mistake: Option<String>,
}

impl Input {
    pub(crate) fn new(name: &str, label: &str, kind: InputKind) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            hint: String::new(),
            kind,
            value: String::new(),
            is_required: true,
            longest: 2_000,
            mistake: None,
        }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.hint);
        self
    }

    #[must_use]
    pub(crate) fn value(mut self, value: &str) -> Self {
        value.clone_into(&mut self.value);
        self
    }

    #[must_use]
    pub(crate) fn optional(mut self) -> Self {
        self.is_required = false;
        self
    }

    #[must_use]
    pub(crate) fn longest(mut self, longest: u32) -> Self {
        self.longest = longest;
        self
    }

    /// Takes the mistake about this question, if there is one.
    #[must_use]
    pub(crate) fn mistaken(mut self, mistakes: &[Mistake]) -> Self {
        self.mistake = mistakes.iter().find(|mistake| mistake.field == self.name).map(|mistake| mistake.text.clone());
        self
    }

    pub(crate) fn input_type(&self) -> &'static str {
        if self.kind == InputKind::Password { "password" } else { "text" }
    }

    pub(crate) fn width_class(&self) -> &'static str {
        match self.kind {
            InputKind::Short => "govuk-input--width-20",
            _ => "",
        }
    }

    /// What browsers and password managers may fill in (WCAG 2.2, 1.3.5).
    pub(crate) fn autocomplete(&self) -> Option<&'static str> {
        match self.name.as_str() {
            "name" => Some("username"),
            "password" => Some("current-password"),
            _ => None,
        }
    }
}

/// What is wrong with an answer, and with which; an empty `field` means the whole form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) field: String,
    pub(crate) text: String,
}

impl Mistake {
    pub(crate) fn new(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { field: field.into(), text: text.into() }
    }
}
