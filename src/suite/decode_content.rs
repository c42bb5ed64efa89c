//! Decodes nodes to definitions: the content of a request.

use std::path::Path;

use super::{
    decode::{DecodeContext, named_texts},
    def::{ContentDef, PartContent, PartDef},
    template::Template,
};
use crate::source::{Diagnostic, Digester, Fields, FileKind, Kind, Node, read_file_in};

pub(super) fn content(node: &Node, cx: &mut DecodeContext<'_>) -> Option<ContentDef> {
    let mut fields = Fields::of(
        node,
        "a body (`json`, `text`, `form`, `multipart` or `file`)",
        cx.errors,
    )?;
    let json = fields.take("json");
    let (text, form, file) = (fields.take("text"), fields.take("form"), fields.take("file"));
    let multipart = fields.take("multipart");
    // `json: null` is a body of `null`.
    let json = json.or_else(|| node.get("json"));
    fields.finish(cx.errors);
    let given = [json, text, form, multipart, file].iter().flatten().count();
    if given != 1 {
        cx.error(Diagnostic::new(
            node.span,
            "a body is exactly one of `json`, `text`, `form`, `multipart` and `file`",
        ));
        return None;
    }
    if let Some(node) = json {
        let has_parts = matches!(node.kind, Kind::Map(_) | Kind::List(_));
        let value = if has_parts {
            cx.omissible(|cx| cx.json(node))
        } else {
            cx.json(node)
        };
        return value.map(ContentDef::Json);
    }
    if let Some(node) = text {
        return cx.template(node).map(ContentDef::Text);
    }
    if let Some(node) = form {
        let fields = cx.omissible(|cx| named_texts(node, "a mapping of form fields", cx));
        return Some(ContentDef::Form(fields));
    }
    if let Some(node) = multipart {
        return parts(node, cx).map(ContentDef::Multipart);
    }
    Some(ContentDef::File(file_bytes(file?, cx)?))
}

/// The parts of a multipart body.
fn parts(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Vec<PartDef>> {
    let Kind::List(items) = &node.kind else {
        let found = node.describe();
        cx.error(Diagnostic::new(
            node.span,
            format!("expected a list of parts, found {found}"),
        ));
        return None;
    };
    if items.is_empty() {
        cx.error(Diagnostic::new(
            node.span,
            "a multipart body has at least one part (RFC 2046 §5.1.1)",
        ));
    }
    let parts = items.iter().map(|item| part(item, cx)).collect::<Vec<_>>();
    parts.into_iter().collect()
}

fn part(node: &Node, cx: &mut DecodeContext<'_>) -> Option<PartDef> {
    let mut fields = Fields::of(node, "a part (`name`, and `file`, `text` or `json`)", cx.errors)?;
    let (name, text, file) = (fields.take("name"), fields.take("text"), fields.take("file"));
    let (kind, filename) = (fields.take("content_type"), fields.take("filename"));
    let _ = fields.take("json");
    let json = node.get("json");
    fields.finish(cx.errors);
    let Some(name) = name else {
        cx.error(Diagnostic::new(node.span, "a part has a `name`"));
        return None;
    };
    let content = match (text, file, json) {
        (Some(text), None, None) => PartContent::Text(cx.omissible(|cx| cx.template(text))?),
        (None, Some(file), None) => PartContent::File(file_bytes(file, cx)?),
        (None, None, Some(json)) => PartContent::Json(cx.omissible(|cx| cx.json(json))?),
        _ => {
            cx.error(Diagnostic::new(
                node.span,
                "a part is exactly one of `file`, `text` and `json`",
            ));
            return None;
        }
    };
    let own_name = file.and_then(|file| match &file.kind {
        Kind::String(path) => Path::new(path)
            .file_name()?
            .to_str()
            .map(|name| Template::constant(name, file.span)),
        _ => None,
    });
    Some(PartDef {
        name: cx.template(name)?,
        content,
        content_type: kind.and_then(|node| cx.template(node)),
        filename: filename.and_then(|node| cx.template(node)).or(own_name),
    })
}

/// The bytes of a file of the project, by its path from the case's folder.
pub(super) fn file_bytes(node: &Node, cx: &mut DecodeContext<'_>) -> Option<bytes::Bytes> {
    let name = cx.string(node)?;
    let Some(path) = cx.folders.resolve(Path::new(&name)) else {
        let error = Diagnostic::new(node.span, "the file must be in the project");
        cx.error(error.help("write a path from the case's folder, such as `../files/order.json`"));
        return None;
    };
    match read_file_in(cx.folders.project, "the project", &path, FileKind::Body) {
        Ok(bytes) => {
            let mut digester = Digester::new("file");
            digester.part(&bytes);
            cx.files.push((path, digester.finish()));
            Some(bytes.into())
        }
        Err(error) => {
            cx.error(Diagnostic::new(node.span, format!("failed to read `{name}`: {error}")));
            None
        }
    }
}
