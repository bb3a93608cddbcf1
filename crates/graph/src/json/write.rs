use super::{VERSION, keys};
use crate::visit::Order;
use crate::{AttrMap, GraphResult, Node, OpDef, ParamTexts, Symbol};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

/// The symbol as a JSON text, as MXNet 1.9.1 writes it.
///
/// User attributes of operators whose key is not of the form `__x__` are written as `__rsym_<key>__`: MXNet would refuse
/// the plain key as an unknown parameter.
pub fn to_json(symbol: &Symbol) -> GraphResult<String> {
    let mut writer = Writer { text: String::new(), indent: 0 };
    writer.graph(symbol, true);
    Ok(writer.text)
}

/// Writes objects and arrays with two spaces per level and a space after every comma, at line ends too.
struct Writer {
    text: String,
    indent: usize,
}

impl Writer {
    fn graph(&mut self, symbol: &Symbol, is_root: bool) {
        let order = Order::new(symbol.entries());
        let nodes = &order.nodes;
        let heads = symbol.entries().iter().map(|e| [order.number(&e.node), e.index as usize, 0]);

        self.open('{');
        self.key("nodes", true);
        let mut writes = vec![0; nodes.len()];
        self.array(nodes, |writer, node| writer.node(node, &order, &mut writes));
        self.key("arg_nodes", false);
        let variables: Vec<usize> = (0..nodes.len()).filter(|&i| nodes[i].is_variable()).collect();
        self.row(variables.into_iter(), push_number);
        self.key("node_row_ptr", false);
        self.row(first_outputs(nodes).into_iter(), push_number);
        self.key("heads", false);
        self.row(heads, push_entry);
        if is_root {
            self.key("attrs", false);
            let _ = write!(self.text, "{{\"mxnet_version\": [\"int\", {VERSION}]}}");
        }
        self.close('}');
    }

    /// `writes` counts, per variable, the operators before this one that write it: the third number of an input.
    fn node(&mut self, node: &Node, order: &Order, writes: &mut [usize]) {
        self.open('{');
        node.inspect(|name, op, params, attrs| {
            self.key("op", true);
            self.string(op.map_or("null", |op| op.name()));
            self.key("name", false);
            self.string(name);
            self.attrs(params, attrs, op.map(|op| op.def()));
            self.key("inputs", false);
            let aux = op.map_or(&[][..], |op| op.aux());
            let entries = node.inputs().iter().enumerate().map(|(i, entry)| {
                let n = order.number(&entry.node);
                writes[n] += usize::from(entry.node.is_variable() && aux.contains(&i));
                [n, entry.index as usize, writes[n]]
            });
            self.row(entries, push_entry);
        });
        if !node.subgraphs().is_empty() {
            self.key("subgraphs", false);
            self.array(node.subgraphs(), |writer, graph| writer.graph(graph, false));
        }
        self.close('}');
    }

    /// Parameters and user attributes as one map, sorted by key; nothing if there are none.
    fn attrs(&mut self, params: &ParamTexts, user: &AttrMap, def: Option<&OpDef>) {
        let filed = |key| def.map_or(Cow::Borrowed(key), |def| keys::encode(key, def.is_plain()));
        let mut attrs: SmallVec<[(Cow<str>, &str); 8]> =
            user.iter().map(|(k, v)| (filed(k.as_str()), v.as_str())).collect();
        attrs.extend(params.0.iter().map(|(k, v)| (Cow::Borrowed(&**k), v.as_str())));
        if !attrs.is_sorted_by(|a, b| a.0 < b.0) {
            attrs.sort_by(|a, b| a.0.cmp(&b.0));
        }
        attrs.dedup_by(|later, kept| {
            later.0 == kept.0 && {
                kept.1 = later.1;
                true
            }
        });
        if attrs.is_empty() {
            return;
        }
        self.key("attrs", false);
        self.text.push('{');
        self.indent += 2;
        for (i, (key, value)) in attrs.iter().enumerate() {
            if attrs.len() > 1 {
                self.item(i == 0);
            }
            self.string(key);
            self.text.push_str(": ");
            self.string(value);
        }
        self.indent -= 2;
        if attrs.len() > 1 {
            self.line();
        }
        self.text.push('}');
    }

    /// An array with one item per line.
    fn array<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.open('[');
        for (i, item) in items.iter().enumerate() {
            self.item(i == 0);
            write(self, item);
        }
        if items.is_empty() {
            self.indent -= 2;
            self.text.push(']');
        } else {
            self.close(']');
        }
    }

    /// An array of numbers or entries: on one line up to ten items.
    fn row<T>(&mut self, items: impl ExactSizeIterator<Item = T>, push: fn(&mut String, T)) {
        let is_long = items.len() > 10;
        self.open('[');
        for (i, item) in items.enumerate() {
            match is_long {
                true => self.item(i == 0),
                false if i > 0 => self.text.push_str(", "),
                false => {}
            }
            push(&mut self.text, item);
        }
        self.indent -= 2;
        if is_long {
            self.line();
        }
        self.text.push(']');
    }

    fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.indent += 2;
    }

    fn close(&mut self, bracket: char) {
        self.indent -= 2;
        self.line();
        self.text.push(bracket);
    }

    fn item(&mut self, is_first: bool) {
        if !is_first {
            self.text.push_str(", ");
        }
        self.line();
    }

    fn line(&mut self) {
        self.text.push('\n');
        const SPACES: &str = "                ";
        let mut left = self.indent;
        while left > 0 {
            let some = left.min(SPACES.len());
            self.text.push_str(&SPACES[..some]);
            left -= some;
        }
    }

    fn key(&mut self, key: &str, is_first: bool) {
        self.item(is_first);
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\": ");
    }

    /// A string, with the escapes that MXNet writes, and `\u00xx` for the control characters that it would leave raw.
    fn string(&mut self, text: &str) {
        self.text.push('"');
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|c| c < b' ' || c == b'"' || c == b'\\') {
            self.text.push_str(&rest[..at]);
            self.escaped(rest.as_bytes()[at]);
            rest = &rest[at + 1..];
        }
        self.text.push_str(rest);
        self.text.push('"');
    }

    fn escaped(&mut self, byte: u8) {
        match byte {
            b'\n' => self.text.push_str("\\n"),
            b'\r' => self.text.push_str("\\r"),
            b'\t' => self.text.push_str("\\t"),
            b'"' | b'\\' => self.text.extend(['\\', byte as char]),
            _ => {
                let _ = write!(self.text, "\\u{byte:04x}");
            }
        }
    }
}

/// For every node the number of its first output, and the number of all outputs at the end.
fn first_outputs(nodes: &[&Arc<Node>]) -> Vec<usize> {
    let mut starts = vec![0];
    for (i, node) in nodes.iter().enumerate() {
        starts.push(starts[i] + node.num_written());
    }
    starts
}

/// Appends a number; quicker than formatting it.
pub(crate) fn push_number(text: &mut String, number: usize) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

fn push_entry(text: &mut String, [node, output, version]: [usize; 3]) {
    text.push('[');
    push_number(text, node);
    text.push_str(", ");
    push_number(text, output);
    text.push_str(", ");
    push_number(text, version);
    text.push(']');
}
