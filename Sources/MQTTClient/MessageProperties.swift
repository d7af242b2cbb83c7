import Core
import MQTT

/// A name and a value that mean something to the application (5.0).
public struct UserProperty: Sendable, Hashable {
  /// The name; may come more than once.
  public var name: String
  /// The value.
  public var value: String

  /// The property `name`.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// What is said about a message besides topic and payload (5.0). Before 5.0 none of it is sent.
public struct MessageProperties: Sendable, Equatable {
  /// True when the payload is UTF-8 text, which the broker may check.
  public var isText = false
  /// What the payload is, for example a MIME type.
  public var contentType: String?
  /// Where an answer is to go.
  public var responseTopic: String?
  /// Tells the asker which question an answer belongs to.
  public var correlationData: [UInt8]?
  /// Names and values of the application's own, in order.
  public var userProperties: [UserProperty] = []
  /// Of a received message: for how many seconds more it is worth keeping.
  public internal(set) var expirySeconds: UInt32?
  /// Of a received message: the numbers of the subscriptions that it came by.
  public internal(set) var subscriptionIdentifiers: [UInt32] = []

  /// None.
  public init() {}
}

extension MessageProperties {
  /// The properties of a received packet that `bytes` begin with.
  init(_ properties: V5.Properties, in bytes: Span<UInt8>) {
    guard !properties.isEmpty else { return }
    var walk = properties.walk
    while let property = walk.next(in: bytes) {
      switch property.id {
      case .payloadFormatIndicator: isText = property.number == 1
      case .messageExpiryInterval: expirySeconds = property.number
      case .contentType: contentType = String(bytes[property.text])
      case .responseTopic: responseTopic = String(bytes[property.text])
      case .correlationData: correlationData = Array(bytes[property.text])
      case .subscriptionIdentifier: subscriptionIdentifiers.append(property.number)
      case .userProperty:
        userProperties.append(
          UserProperty(String(bytes[property.name]), String(bytes[property.text])))
      default: break
      }
    }
  }

  /// Writes them as PUBLISH or the will has them.
  func write(to list: inout PropertyList) throws(EncodeError) {
    if isText { try list.append(.payloadFormatIndicator, 1) }
    if let contentType { try list.append(.contentType, contentType) }
    if let responseTopic { try list.append(.responseTopic, responseTopic) }
    if let correlationData { try list.append(.correlationData, correlationData) }
    try list.append(userProperties)
  }
}

/// Properties of 5.0 as `V5.Properties.append` writes them, in an array.
struct PropertyList {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ id: V5.PropertyID, _ number: UInt32) throws(EncodeError) {
    try write(8) { (out) throws(EncodeError) in try V5.Properties.append(id, number, to: &out) }
  }

  mutating func append(_ id: V5.PropertyID, _ text: String) throws(EncodeError) {
    try append(id, Array(text.utf8))
  }

  mutating func append(_ id: V5.PropertyID, _ data: [UInt8]) throws(EncodeError) {
    try write(data.count + 8) { (out) throws(EncodeError) in
      try V5.Properties.append(id, text: data.span, to: &out)
    }
  }

  mutating func append(_ properties: [UserProperty]) throws(EncodeError) {
    for property in properties {
      let name = Array(property.name.utf8)
      let value = Array(property.value.utf8)
      try write(name.count + value.count + 8) { (out) throws(EncodeError) in
        try V5.Properties.append(user: name.span, value.span, to: &out)
      }
    }
  }

  private mutating func write(
    _ room: Int, _ body: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) throws(EncodeError) {
    bytes += try [UInt8](writing: room, body)
  }
}

extension Array<UInt8> {
  /// What `body` appends into room for `capacity` bytes.
  init<E: Error>(
    writing capacity: Int, _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
  ) throws(E) {
    var failure: E?
    // Sound: the span covers the array's memory, and does not leave the closure.
    unsafe self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
      let room = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<capacity])
      var out = unsafe OutputSpan(buffer: room, initializedCount: 0)
      do throws(E) { try body(&out) } catch { failure = error }
      count = unsafe out.finalize(for: room)
    }
    if let failure { throw failure }
  }

  /// A copy of `span`.
  init(_ span: Span<UInt8>) {
    self.init(writing: span.count) { out in out.append(contentsOf: span) }
  }
}

extension String {
  /// UTF-8 bytes as text.
  init(_ bytes: Span<UInt8>) { self.init(decoding: Array(bytes), as: UTF8.self) }

  /// What `body` writes, up to `capacity` bytes.
  init(writing capacity: Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
    self.init(decoding: [UInt8](writing: capacity, body), as: UTF8.self)
  }
}

extension Duration {
  /// The length as the pure modules have it; what is longer than that is 292 years.
  var interval: Interval {
    let parts = components
    let (nanoseconds, overflow) = parts.seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return Interval(nanoseconds: parts.seconds < 0 ? .min : .max) }
    let (sum, more) = nanoseconds.addingReportingOverflow(parts.attoseconds / 1_000_000_000)
    return Interval(nanoseconds: more ? .max : sum)
  }
}

extension Interval {
  /// The length as the standard library has it.
  var duration: Duration { .nanoseconds(nanoseconds) }
}
