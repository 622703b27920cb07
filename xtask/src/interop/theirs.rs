//! The services in other languages.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Theirs {
    Flask,
    FastApi,
    Express,
}

pub(crate) const THEIRS: [Theirs; 3] = [Theirs::Flask, Theirs::FastApi, Theirs::Express];

impl Theirs {
    /// The name of the service.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flask => "flask",
            Self::FastApi => "fastapi",
            Self::Express => "express",
        }
    }

    /// What it serves and asks with.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Flask => "Flask, requests",
            Self::FastApi => "FastAPI, httpx",
            Self::Express => "express, undici",
        }
    }

    pub(crate) fn is_python(self) -> bool {
        match self {
            Self::Flask | Self::FastApi => true,
            Self::Express => false,
        }
    }
}
