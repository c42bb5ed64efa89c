//! The parts that documents declare, and how often each was observed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    data::{ExchangePlace, Sighting},
    properties::PropertyTree,
};
use crate::{
    check::{MediaType, is_form},
    openapi::{ApiDocument, DeclaredContent, Direction, DocumentPart, Parameter, ParameterIn, StreamKind},
};

/// Maximum number of nodes of the property trees of all documents.
const MAX_NODES: usize = 500_000;

/// What was observed of a document. Lists are in the order of the document's.
pub(super) struct DocumentFacts {
    pub(super) document: Arc<ApiDocument>,
    pub(super) operations: Vec<OperationFacts>,
    /// All methods of the document.
    pub(super) methods: BTreeSet<String>,
    index: HashMap<DocumentPart, usize>,
    pub(super) is_cut: bool,
    /// Whether a recording contains a case of its suites.
    pub(super) is_named: bool,
}

/// What was observed of an operation.
pub(super) struct OperationFacts {
    pub(super) sighting: Sighting,
    pub(super) parameters: Vec<ParameterFacts>,
    pub(super) request: Vec<ContentFacts>,
    pub(super) responses: Vec<ResponseFacts>,
}

/// What was observed of a parameter.
pub(super) struct ParameterFacts {
    pub(super) sighting: Sighting,
    /// Of an object: the names of its properties, which can be parameters themselves.
    pub(super) names: Option<BTreeSet<String>>,
}

/// What was observed of a response.
pub(super) struct ResponseFacts {
    pub(super) sighting: Sighting,
    pub(super) content: Vec<ContentFacts>,
}

/// What was observed of the content for a media type.
pub(super) struct ContentFacts {
    pub(super) sighting: Sighting,
    /// The properties, if it is JSON or a form.
    pub(super) tree: Option<Arc<PropertyTree>>,
    /// For each node of the tree, whether it was observed; empty before the first JSON.
    pub(super) seen: Vec<bool>,
}

impl Sighting {
    /// Counts an exchange.
    pub(super) fn count(&mut self, place: &dyn Fn() -> ExchangePlace) {
        self.exchanges += 1;
        if self.first.is_none() {
            self.first = Some(place());
        }
    }

    /// Whether there is one.
    pub(super) fn is_observed(&self) -> bool {
        self.exchanges > 0
    }
}

/// Makes the property trees of a document; equal schemas share one.
struct Trees<'d> {
    document: &'d ApiDocument,
    made: HashMap<(DocumentPart, bool), Arc<PropertyTree>>,
    nodes: usize,
    is_cut: bool,
}

impl Trees<'_> {
    fn content(&mut self, content: &DeclaredContent, direction: Direction) -> ContentFacts {
        let kind = MediaType::parse(&content.media_type);
        let is_form = |kind: &MediaType| is_form(kind) && direction == Direction::Request;
        let has_properties = kind.is_some_and(|kind| kind.is_json() || kind.essence.ends_with("/*") || is_form(&kind));
        // Of a stream, those of each item.
        let is_stream = StreamKind::of(&content.media_type).is_some();
        let schema = match &content.item_schema {
            Some(schema) if is_stream => Some(schema),
            _ => content.schema.as_ref().filter(|_| has_properties),
        };
        let tree = schema.map(|schema| self.tree(schema, direction));
        ContentFacts {
            sighting: Sighting::default(),
            seen: Vec::new(),
            tree,
        }
    }

    fn tree(&mut self, schema: &DocumentPart, direction: Direction) -> Arc<PropertyTree> {
        let is_plain = self
            .document
            .value(schema)
            .and_then(|value| value.as_object())
            .is_some_and(|all| all.len() == 1);
        let named = if is_plain {
            self.document.resolved(schema)
        } else {
            schema
        };
        let key = (named.clone(), direction == Direction::Request);
        if let Some(tree) = self.made.get(&key) {
            return Arc::clone(tree);
        }
        let room = MAX_NODES.saturating_sub(self.nodes);
        let tree = Arc::new(PropertyTree::new(self.document, named, direction, room));
        self.nodes += tree.nodes.len();
        self.is_cut |= tree.is_cut;
        self.made.insert(key, Arc::clone(&tree));
        tree
    }
}

impl DocumentFacts {
    pub(super) fn new(document: Arc<ApiDocument>) -> Self {
        let mut trees = Trees {
            document: &document,
            made: HashMap::new(),
            nodes: 0,
            is_cut: false,
        };
        let operations = document.operations.iter().map(|operation| OperationFacts {
            sighting: Sighting::default(),
            parameters: operation
                .parameters
                .iter()
                .map(|parameter| ParameterFacts {
                    sighting: Sighting::default(),
                    names: object_names(&document, parameter),
                })
                .collect(),
            request: (operation.body.iter().flat_map(|body| &body.content))
                .map(|content| trees.content(content, Direction::Request))
                .collect(),
            responses: operation
                .responses
                .iter()
                .map(|response| ResponseFacts {
                    sighting: Sighting::default(),
                    content: (response.content.iter())
                        .map(|content| trees.content(content, Direction::Response))
                        .collect(),
                })
                .collect(),
        });
        let operations = operations.collect();
        let numbered = document.operations.iter().enumerate();
        Self {
            operations,
            methods: document.operations.iter().map(|one| one.method.clone()).collect(),
            index: numbered
                .map(|(index, operation)| (operation.part.clone(), index))
                .collect(),
            is_cut: trees.is_cut,
            is_named: false,
            document,
        }
    }

    /// The index of the operation of a request, and the values of its path parameters. `id` is its `operationId`, if the
    /// case names it.
    pub(super) fn find(&self, id: Option<&str>, method: &str, path: &str) -> Option<usize> {
        let operation = match id {
            Some(id) => self.document.operation(id)?,
            None => self.document.find(method, path)?.0,
        };
        self.index.get(&operation.part).copied()
    }
}

/// The names of the properties of a parameter in the query that is an object.
fn object_names(document: &ApiDocument, parameter: &Parameter) -> Option<BTreeSet<String>> {
    let schema = parameter
        .schema
        .as_ref()
        .filter(|_| parameter.place == ParameterIn::Query)?;
    let all = document.schemas(Direction::Request)?;
    let types = all.declared(&document.schema_name(schema), "").types;
    let tree = PropertyTree::new(document, schema, Direction::Request, 200);
    let names: BTreeSet<_> = tree.names().map(str::to_owned).collect();
    (types.contains("object") || !names.is_empty()).then_some(names)
}
