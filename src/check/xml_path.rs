//! Paths to the nodes of an XML document: a subset of `XPath` 1.0.

use roxmltree::Node;

/// Maximum length of a path in bytes.
const MAX_PATH: usize = 1000;
/// Maximum number of bytes of text that a path selects: the text of an element contains that of the elements in it.
const MAX_SELECTED: usize = 16 << 20;

/// A path such as `/order/line[@sku = 'A1']/price`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlPath {
    text: String,
    steps: Vec<XmlStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct XmlStep {
    /// Whether it comes after `//`.
    is_deep: bool,
    test: NodeTest,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum NodeTest {
    Element(NameTest),
    Attribute(NameTest),
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NameTest {
    namespace: NamespaceTest,
    /// `None`: any name.
    local: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum NamespaceTest {
    Any,
    None,
    Uri(String),
}

/// The content of `[ ]`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Position(usize),
    Last,
    Exists(Vec<XmlStep>),
    /// Some selected node has this text. Without steps: the node itself.
    Equals(Vec<XmlStep>, String),
}

impl XmlPath {
    /// Reads a path; `namespaces` are prefixes and their URIs. The error describes the fault.
    pub fn parse(text: &str, namespaces: &[(String, String)]) -> Result<Self, String> {
        if text.len() > MAX_PATH {
            return Err(format!("a path has at most {MAX_PATH} bytes"));
        }
        if !text.starts_with('/') {
            return Err(format!("`{text}` is not a path: it begins with `/` or `//`"));
        }
        let mut parser = PathParser { rest: text, namespaces };
        let steps = parser.steps(true).map_err(|reason| format!("`{text}`: {reason}"))?;
        if !parser.rest.is_empty() {
            return Err(format!("`{text}`: `{}` is not expected here", parser.rest));
        }
        Ok(Self {
            text: text.to_owned(),
            steps,
        })
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The texts of the selected nodes, in the order of the document; an error if they are too long.
    pub(super) fn select(&self, root: Node<'_, '_>) -> Result<Vec<String>, String> {
        let mut texts = Vec::new();
        let mut size = 0;
        for node in walk(vec![root], &self.steps) {
            let text = match node {
                SelectedNode::Value(value) => value.to_owned(),
                SelectedNode::Node(node) => texts_of(node).fold(String::new(), |all, text| all + text),
            };
            size += text.len() + 1;
            if size > MAX_SELECTED {
                return Err("the path selects more than 16 MiB of text".to_owned());
            }
            texts.push(text);
        }
        Ok(texts)
    }
}

/// A name without a colon.
fn is_name_sign(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.') || (!sign.is_ascii() && !sign.is_whitespace())
}

struct PathParser<'t> {
    rest: &'t str,
    namespaces: &'t [(String, String)],
}

impl PathParser<'_> {
    fn skip(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Steps up to the end of the path; those of a condition do not begin with `/`.
    fn steps(&mut self, is_absolute: bool) -> Result<Vec<XmlStep>, String> {
        let mut steps: Vec<XmlStep> = Vec::new();
        loop {
            let is_first = steps.is_empty();
            let is_deep = self.skip("//");
            let is_next = is_deep || self.skip("/");
            if is_first && !is_absolute && is_next {
                return Err("a path in `[ ]` begins with a name".to_owned());
            }
            if is_deep && !is_absolute {
                return Err("`//` cannot be used in `[ ]`".to_owned());
            }
            if !is_next && (!is_first || is_absolute) {
                return Ok(steps);
            }
            if let Some(last) = steps.last()
                && !matches!(last.test, NodeTest::Element(_))
            {
                return Err("nothing is below an attribute or a text".to_owned());
            }
            let mut step = XmlStep {
                is_deep,
                test: self.test()?,
                conditions: Vec::new(),
            };
            while self.skip("[") {
                step.conditions.push(self.condition()?);
            }
            steps.push(step);
        }
    }

    fn test(&mut self) -> Result<NodeTest, String> {
        if self.skip("text()") {
            return Ok(NodeTest::Text);
        }
        if self.skip("@") {
            return self.name(true).map(NodeTest::Attribute);
        }
        self.name(false).map(NodeTest::Element)
    }

    fn word(&mut self) -> Option<String> {
        let end = self.rest.find(|sign| !is_name_sign(sign)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let is_name = word.starts_with(|sign: char| !sign.is_ascii_digit() && !matches!(sign, '-' | '.'));
        is_name.then(|| {
            self.rest = rest;
            word.to_owned()
        })
    }

    fn name(&mut self, is_attribute: bool) -> Result<NameTest, String> {
        let first = if self.skip("*") {
            None
        } else {
            Some(self.expected_word()?)
        };
        if self.rest.starts_with("::") {
            return Err("axes are not supported".to_owned());
        }
        if self.rest.starts_with('(') {
            return Err("functions are not supported, besides `text()` and `last()`".to_owned());
        }
        if !self.skip(":") {
            // A name without a prefix is in no namespace.
            let namespace = match (&first, is_attribute) {
                (None, _) => NamespaceTest::Any,
                (Some(_), _) => NamespaceTest::None,
            };
            return Ok(NameTest {
                namespace,
                local: first,
            });
        }
        let local = if self.skip("*") {
            None
        } else {
            Some(self.expected_word()?)
        };
        let namespace = match first {
            None => NamespaceTest::Any,
            Some(prefix) if prefix == "xml" => NamespaceTest::Uri(roxmltree::NS_XML_URI.to_owned()),
            Some(prefix) => match self.namespaces.iter().find(|(known, _)| *known == prefix) {
                Some((_, uri)) => NamespaceTest::Uri(uri.clone()),
                None => return Err(format!("the prefix `{prefix}` is not declared")),
            },
        };
        Ok(NameTest { namespace, local })
    }

    fn expected_word(&mut self) -> Result<String, String> {
        self.word().ok_or_else(|| match self.rest.chars().next() {
            Some(sign) => format!("`{sign}` is not expected here"),
            None => "a name is missing at the end".to_owned(),
        })
    }

    /// The rest of a condition after `[`.
    fn condition(&mut self) -> Result<Condition, String> {
        self.skip_spaces();
        let digits = self.rest.len() - self.rest.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
        let condition = if digits > 0 {
            let (number, rest) = self.rest.split_at(digits);
            self.rest = rest;
            let position = number.parse().unwrap_or(0);
            if position == 0 {
                return Err(format!("`[{number}]` selects nothing: positions begin with 1"));
            }
            Condition::Position(position)
        } else if self.skip("last()") {
            Condition::Last
        } else {
            let steps = if self.skip(".") { Vec::new() } else { self.steps(false)? };
            self.skip_spaces();
            if self.skip("=") {
                self.skip_spaces();
                Condition::Equals(steps, self.literal()?)
            } else if steps.is_empty() {
                return Err("`[.]` is always true".to_owned());
            } else {
                Condition::Exists(steps)
            }
        };
        self.skip_spaces();
        if self.skip("]") {
            return Ok(condition);
        }
        Err(match self.rest.chars().next() {
            Some(_) => "a condition is a position, `last()`, a path, or `path = 'text'`".to_owned(),
            None => "`[` without `]`".to_owned(),
        })
    }

    fn literal(&mut self) -> Result<String, String> {
        let quote = self.rest.chars().next().filter(|sign| matches!(sign, '\'' | '"'));
        let quote = quote.ok_or_else(|| "a text after `=` is written in quotes".to_owned())?;
        let (text, rest) = self.rest[1..]
            .split_once(quote)
            .ok_or_else(|| "a quote is not closed".to_owned())?;
        self.rest = rest;
        Ok(text.to_owned())
    }
}

#[derive(Clone, Copy)]
enum SelectedNode<'a, 'i> {
    Node(Node<'a, 'i>),
    Value(&'a str),
}

/// The texts in a node, in order.
fn texts_of<'a>(node: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text())
}

impl SelectedNode<'_, '_> {
    fn has_text(self, wanted: &str) -> bool {
        match self {
            Self::Value(value) => value == wanted,
            Self::Node(node) => {
                let mut left = wanted;
                for text in texts_of(node) {
                    match left.strip_prefix(text) {
                        Some(rest) => left = rest,
                        None => return false,
                    }
                }
                left.is_empty()
            }
        }
    }
}

impl NameTest {
    fn accepts(&self, namespace: Option<&str>, local: &str) -> bool {
        let is_in = match &self.namespace {
            NamespaceTest::Any => true,
            NamespaceTest::None => namespace.is_none_or(str::is_empty),
            NamespaceTest::Uri(uri) => namespace == Some(uri),
        };
        is_in && self.local.as_ref().is_none_or(|wanted| wanted == local)
    }
}

/// The nodes that steps select. The nodes before and after a step are distinct and in the order of the document.
fn walk<'a, 'i>(mut nodes: Vec<Node<'a, 'i>>, steps: &[XmlStep]) -> Vec<SelectedNode<'a, 'i>> {
    for step in steps {
        if step.is_deep {
            nodes = with_descendants(&nodes);
        }
        if let NodeTest::Attribute(name) = &step.test {
            // The last step.
            let values = nodes.iter().flat_map(|node| {
                let attributes = node.attributes();
                let found = attributes.filter(|one| name.accepts(one.namespace(), one.name()));
                let found: Vec<_> = found.map(|one| SelectedNode::Value(one.value())).collect();
                kept(found, &step.conditions)
            });
            return values.collect();
        }
        let found = nodes.iter().flat_map(|node| {
            let children = node.children().filter(|child| match &step.test {
                NodeTest::Element(name) => {
                    child.is_element() && name.accepts(child.tag_name().namespace(), child.tag_name().name())
                }
                _ => child.is_text(),
            });
            let children: Vec<_> = children.map(SelectedNode::Node).collect();
            kept(children, &step.conditions)
        });
        let mut found: Vec<_> = found
            .filter_map(|found| match found {
                SelectedNode::Node(node) => Some(node),
                SelectedNode::Value(_) => None,
            })
            .collect();
        found.sort_by_key(|node| node.id().get());
        nodes = found;
    }
    nodes.into_iter().map(SelectedNode::Node).collect()
}

/// Nodes with all nodes below them.
fn with_descendants<'a, 'i>(nodes: &[Node<'a, 'i>]) -> Vec<Node<'a, 'i>> {
    let mut all: Vec<Node<'a, 'i>> = Vec::new();
    for node in nodes {
        // The ids of the nodes in a node follow its own.
        if all.last().is_none_or(|last| last.id().get() < node.id().get()) {
            all.extend(node.descendants());
        }
    }
    all
}

/// The nodes that pass all conditions, one after the other.
fn kept<'a, 'i>(mut found: Vec<SelectedNode<'a, 'i>>, conditions: &[Condition]) -> Vec<SelectedNode<'a, 'i>> {
    for condition in conditions {
        let below = |found: SelectedNode<'a, 'i>, steps: &[XmlStep]| match found {
            SelectedNode::Node(node) => walk(vec![node], steps),
            SelectedNode::Value(_) => Vec::new(),
        };
        match condition {
            Condition::Position(position) => found = found.get(position - 1).copied().into_iter().collect(),
            Condition::Last => found = found.last().copied().into_iter().collect(),
            Condition::Exists(steps) => found.retain(|one| !below(*one, steps).is_empty()),
            Condition::Equals(steps, text) if steps.is_empty() => found.retain(|one| one.has_text(text)),
            Condition::Equals(steps, text) => {
                found.retain(|one| below(*one, steps).iter().any(|found| found.has_text(text)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"<?xml version="1.0"?>
<order id="42" xml:lang="en" xmlns:x="urn:x">
  <line sku="A1" x:kind="new"><name>Cup</name><price>3.50</price></line>
  <line sku="B2"><name>Two <b>big</b> plates</name><price/></line>
  <x:note>n1<![CDATA[<2>]]></x:note><note>n3</note>
  <group><group><line sku="C3"/></group><line sku="D4"/></group>
</order>"#;

    fn select(path: &str) -> Vec<String> {
        let namespaces = [("y".to_owned(), "urn:x".to_owned())];
        let path = XmlPath::parse(path, &namespaces).unwrap();
        let document = roxmltree::Document::parse(ORDER).unwrap();
        path.select(document.root()).unwrap()
    }

    #[test]
    fn path_selects_texts_in_document_order() {
        for (path, expected) in [
            ("/order/@id", &["42"][..]),
            ("/order/line/@sku", &["A1", "B2"]),
            ("/order/line[2]/name", &["Two big plates"]),
            ("/order/line[last()]/@sku", &["B2"]),
            ("/order/line[@sku = 'A1']/price", &["3.50"]),
            ("/order/line[name=\"Cup\"]/@sku", &["A1"]),
            ("/order/line[name/b]/@sku", &["B2"]),
            ("/order/line/name[. = 'Two big plates']/b", &["big"]),
            ("/order/line/name/text()", &["Cup", "Two ", " plates"]),
            ("/order/line[price]/price", &["3.50", ""]),
            ("//line/@sku", &["A1", "B2", "C3", "D4"]),
            ("//group//line/@sku", &["C3", "D4"]),
            ("//line[1]/@sku", &["A1", "C3", "D4"]),
            ("//group/line[@sku]/@*", &["C3", "D4"]),
            ("/*/*/b", &[]),
            ("/order/*/name", &["Cup", "Two big plates"]),
            ("/order/note", &["n3"]),
            ("/order/y:note", &["n1<2>"]),
            ("/order/*:note", &["n1<2>", "n3"]),
            ("//@y:kind", &["new"]),
            ("/order/@xml:lang", &["en"]),
            ("/order/@lang", &[]),
            ("/nope", &[]),
            ("/order/line[3]", &[]),
        ] {
            assert_eq!(select(path), expected, "{path}");
        }
    }

    #[test]
    fn malformed_path_is_an_error() {
        for (path, part) in [
            ("order", "begins with `/`"),
            ("/", "a name is missing"),
            ("/order/", "a name is missing"),
            ("/order/@id/x", "below an attribute"),
            ("/order/text()/x", "below an attribute or a text"),
            ("/order[", "is missing"),
            ("/order[1", "without `]`"),
            ("/order[0]", "begin with 1"),
            ("/order[@a = 1]", "in quotes"),
            ("/order[@a = 'x]", "not closed"),
            ("/order[//a]", "begins with a name"),
            ("/order[a//b]", "cannot be used"),
            ("/order[.]", "always true"),
            ("/z:order", "`z` is not declared"),
            ("/child::order", "axes"),
            ("/count(order)", "functions"),
            ("/a b", "not expected"),
            ("/1a", "not expected"),
            ("/a | /b", "not expected"),
        ] {
            let error = XmlPath::parse(path, &[]).unwrap_err();
            assert!(error.contains(part), "{path}: {error}");
        }
        assert!(XmlPath::parse(&"/a".repeat(600), &[]).is_err());
    }
}
