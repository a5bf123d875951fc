//! IPP on the wire (RFC 8010): one message, read with limits and written.
//!
//! ```text
//!   version · operation or status · number │ group: attribute = value, value … │ group … │ end │ document
//!                                                        └── or a collection of attributes, a few deep
//! ```
//! May be relied on: at most [`LONGEST`] bytes are looked at, nothing nests deeper than [`DEEPEST`], nothing is allocated that
//! does not lie in those bytes. The crate `ipp` parses too, but neither bounds how deep collections nest (dropping them recurses)
//! nor lives with text that is not UTF-8.

/// A request or a response, without the document behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// 1.1 or 2.0.
    pub version: (u8, u8),
    /// What is asked, or what came of it.
    pub code: u16,
    /// The asker's number for it.
    pub number: u32,
    /// In their order.
    pub groups: Vec<Group>,
}

/// Attributes that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which group.
    pub tag: u8,
    /// In their order.
    pub attributes: Vec<Attribute>,
}

/// A name with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// In ASCII.
    pub name: String,
    /// At least one.
    pub values: Vec<Value>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// "unsupported", "unknown", "no value": by their tags.
    Nothing(u8),
    /// A number.
    Integer(i32),
    /// A number with a meaning.
    Enum(i32),
    /// Yes or no.
    Boolean(bool),
    /// Bytes.
    Octets(Vec<u8>),
    /// RFC 2579's notation.
    DateTime([u8; 11]),
    /// Across, down, and 3 for dots per inch.
    Resolution(i32, i32, u8),
    /// From, to.
    Range(i32, i32),
    /// All kinds of words, by their tags.
    Word(u8, String),
    /// Attributes within.
    Collection(Vec<Attribute>),
}

/// Why it is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIpp {
    /// It ends before it says so.
    #[error("the message ends in the middle")]
    Short,
    /// It is longer than [`LONGEST`], or nests deeper than [`DEEPEST`].
    #[error("the message is too long or too deep")]
    TooMuch,
    /// It breaks the notation.
    #[error("the message is not IPP")]
    Malformed,
}

impl Message {
    /// Reads one, and says how many bytes it took: the document begins there.
    ///
    /// # Errors
    /// See [`NotIpp`].
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), NotIpp> {
        let (bytes, cut) = bytes.split_at(bytes.len().min(LONGEST));
        let mut reader = Reader { bytes, at: 0 };
        let read = reader.message();
        match read {
            Err(NotIpp::Short) if !cut.is_empty() => Err(NotIpp::TooMuch),
            read => read.map(|message| (message, reader.at)),
        }
    }

    /// Its bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = vec![self.version.0, self.version.1];
        bytes.extend(self.code.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        for group in &self.groups {
            bytes.push(group.tag);
            group.attributes.iter().for_each(|attribute| attribute.write(&mut bytes));
        }
        bytes.push(END);
        bytes
    }

    /// The attributes of the first group of this kind.
    pub fn group(&self, tag: u8) -> &[Attribute] {
        self.groups.iter().find(|group| group.tag == tag).map_or(&[], |group| &group.attributes)
    }

    /// The values of an operation attribute.
    pub fn values(&self, name: &str) -> &[Value] {
        let found = self.group(OPERATION).iter().find(|attribute| attribute.name == name);
        found.map_or(&[], |attribute| &attribute.values)
    }

    /// An operation attribute in words.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(Value::word)
    }

    /// An operation attribute as a number.
    pub fn integer(&self, name: &str) -> Option<i32> {
        match self.values(name).first()? {
            Value::Integer(number) | Value::Enum(number) => Some(*number),
            Value::Nothing(_) | Value::Boolean(_) | Value::Octets(_) | Value::DateTime(_) => None,
            Value::Resolution(..) | Value::Range(..) | Value::Word(..) | Value::Collection(_) => None,
        }
    }

    /// An operation attribute that says yes or no.
    pub fn truth(&self, name: &str) -> Option<bool> {
        match self.values(name).first()? {
            Value::Boolean(truth) => Some(*truth),
            Value::Nothing(_) | Value::Integer(_) | Value::Enum(_) | Value::Octets(_) | Value::DateTime(_) => None,
            Value::Resolution(..) | Value::Range(..) | Value::Word(..) | Value::Collection(_) => None,
        }
    }
}

impl Attribute {
    /// With one value or more.
    pub fn new(name: &str, values: impl IntoIterator<Item = Value>) -> Self {
        Self { name: name.into(), values: values.into_iter().collect() }
    }

    fn write(&self, to: &mut Vec<u8>) {
        for (place, value) in self.values.iter().enumerate() {
            value.write(if place == 0 { &self.name } else { "" }, to);
        }
    }
}

impl Value {
    /// What it says, if it is a word.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(_, word) => Some(word),
            Self::Nothing(_) | Self::Integer(_) | Self::Enum(_) | Self::Boolean(_) | Self::Octets(_) => None,
            Self::DateTime(_) | Self::Resolution(..) | Self::Range(..) | Self::Collection(_) => None,
        }
    }

    fn write(&self, name: &str, to: &mut Vec<u8>) {
        let mut put = |tag: u8, bytes: &[u8]| field(tag, name, bytes, to);
        match self {
            Self::Nothing(tag) => put(*tag, &[]),
            Self::Integer(number) => put(INTEGER, &number.to_be_bytes()),
            Self::Enum(number) => put(ENUM, &number.to_be_bytes()),
            Self::Boolean(truth) => put(BOOLEAN, &[u8::from(*truth)]),
            Self::Octets(bytes) => put(OCTETS, bytes),
            Self::DateTime(bytes) => put(DATE_TIME, bytes),
            Self::Resolution(across, down, unit) => {
                put(RESOLUTION, &[&across.to_be_bytes()[..], &down.to_be_bytes(), &[*unit]].concat());
            }
            Self::Range(from, to) => put(RANGE, &[from.to_be_bytes(), to.to_be_bytes()].concat()),
            Self::Word(tag, word) => put(*tag, word.as_bytes()),
            Self::Collection(members) => {
                put(COLLECTION, &[]);
                for member in members {
                    field(MEMBER, "", member.name.as_bytes(), to);
                    member.values.iter().for_each(|value| value.write("", to));
                }
                field(COLLECTION_END, "", &[], to);
            }
        }
    }
}

/// What is longer than its length can say is cut.
fn field(tag: u8, name: &str, bytes: &[u8], to: &mut Vec<u8>) {
    to.push(tag);
    for part in [name.as_bytes(), bytes] {
        let part = &part[..part.len().min(LONGEST_VALUE)];
        to.extend(u16::try_from(part.len()).unwrap_or_default().to_be_bytes());
        to.extend(part);
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn message(&mut self) -> Result<Message, NotIpp> {
        let version = (self.byte()?, self.byte()?);
        let code = u16::from_be_bytes([self.byte()?, self.byte()?]);
        let number = u32::from_be_bytes(self.array()?);
        let mut groups: Vec<Group> = Vec::new();
        loop {
            match self.byte()? {
                END => return Ok(Message { version, code, number, groups }),
                tag @ 0..0x10 => groups.push(Group { tag, attributes: Vec::new() }),
                tag => {
                    let name = self.field()?;
                    let value = self.field()?;
                    let group = groups.last_mut().ok_or(NotIpp::Malformed)?;
                    let value = self.value(tag, value, DEEPEST)?;
                    add(&mut group.attributes, name, value)?;
                }
            }
        }
    }

    fn value(&mut self, tag: u8, bytes: &[u8], deep: usize) -> Result<Value, NotIpp> {
        let four = || bytes.try_into().map(i32::from_be_bytes).map_err(|_| NotIpp::Malformed);
        Ok(match tag {
            0x10..=0x1f => Value::Nothing(tag),
            INTEGER => Value::Integer(four()?),
            ENUM => Value::Enum(four()?),
            BOOLEAN => match bytes {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                _ => return Err(NotIpp::Malformed),
            },
            DATE_TIME => Value::DateTime(bytes.try_into().map_err(|_| NotIpp::Malformed)?),
            RESOLUTION => match *bytes {
                [a, b, c, d, e, f, g, h, unit] => {
                    Value::Resolution(i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h]), unit)
                }
                _ => return Err(NotIpp::Malformed),
            },
            RANGE => match *bytes {
                [a, b, c, d, e, f, g, h] => {
                    Value::Range(i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h]))
                }
                _ => return Err(NotIpp::Malformed),
            },
            // Text with its language: the language is left out.
            0x35 | 0x36 => {
                let mut parts = Reader { bytes, at: 0 };
                let (_language, text) = (parts.field()?, parts.field()?);
                Value::Word(if tag == 0x35 { TEXT } else { NAME }, String::from_utf8_lossy(text).into_owned())
            }
            COLLECTION => Value::Collection(self.members(deep.checked_sub(1).ok_or(NotIpp::TooMuch)?)?),
            MEMBER | COLLECTION_END => return Err(NotIpp::Malformed),
            0x40..0x60 => Value::Word(tag, String::from_utf8_lossy(bytes).into_owned()),
            _ => Value::Octets(bytes.to_vec()),
        })
    }

    fn members(&mut self, deep: usize) -> Result<Vec<Attribute>, NotIpp> {
        let mut members = Vec::new();
        let mut name: &[u8] = &[];
        loop {
            let tag = self.byte()?;
            let (_, bytes) = (self.field()?, self.field()?);
            match tag {
                COLLECTION_END => {
                    members.retain(|member: &Attribute| !member.values.is_empty());
                    return Ok(members);
                }
                MEMBER => name = bytes,
                tag => {
                    let value = self.value(tag, bytes, deep)?;
                    // Only its first value comes with a name.
                    add(&mut members, std::mem::take(&mut name), value)?;
                }
            }
        }
    }

    fn field(&mut self) -> Result<&'b [u8], NotIpp> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        self.take(length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotIpp> {
        self.take(N)?.try_into().map_err(|_| NotIpp::Short)
    }

    fn byte(&mut self) -> Result<u8, NotIpp> {
        self.array().map(|[byte]| byte)
    }

    fn take(&mut self, many: usize) -> Result<&'b [u8], NotIpp> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..many)).ok_or(NotIpp::Short)?;
        self.at += many;
        Ok(taken)
    }
}

/// A value without a name belongs to the attribute before it.
fn add(attributes: &mut Vec<Attribute>, name: &[u8], value: Value) -> Result<(), NotIpp> {
    if name.is_empty() {
        attributes.last_mut().ok_or(NotIpp::Malformed)?.values.push(value);
    } else {
        attributes.push(Attribute { name: String::from_utf8_lossy(name).into_owned(), values: vec![value] });
    }
    Ok(())
}

/// Bytes of a message before its document: a printer's own list of everything it can is not half as long.
pub const LONGEST: usize = 64 * 1024;
/// Collections in collections: `media-col` has two.
pub const DEEPEST: usize = 6;
/// What its length can say.
const LONGEST_VALUE: usize = 0xffff;

/// The group of what is asked.
pub const OPERATION: u8 = 1;
/// The group of a job.
pub const JOB: u8 = 2;
/// The group of the printer.
pub const PRINTER: u8 = 4;
/// The group of what is not understood.
pub const UNSUPPORTED: u8 = 5;
const END: u8 = 3;

/// No such thing here.
pub const NOT_SUPPORTED: u8 = 0x10;
/// Nobody knows.
pub const UNKNOWN: u8 = 0x12;
/// There is none.
pub const NO_VALUE: u8 = 0x13;
const INTEGER: u8 = 0x21;
const BOOLEAN: u8 = 0x22;
const ENUM: u8 = 0x23;
const OCTETS: u8 = 0x30;
const DATE_TIME: u8 = 0x31;
const RESOLUTION: u8 = 0x32;
const RANGE: u8 = 0x33;
const COLLECTION: u8 = 0x34;
const COLLECTION_END: u8 = 0x37;
const MEMBER: u8 = 0x4a;
/// Text for people.
pub const TEXT: u8 = 0x41;
/// A name for people.
pub const NAME: u8 = 0x42;
/// A word of the standard.
pub const KEYWORD: u8 = 0x44;
/// An address.
pub const URI: u8 = 0x45;
/// "utf-8".
pub const CHARSET: u8 = 0x47;
/// "ja", "en".
pub const LANGUAGE: u8 = 0x48;
/// "application/pdf".
pub const MIME: u8 = 0x49;
