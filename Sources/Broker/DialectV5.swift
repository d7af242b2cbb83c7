import Core
import MQTT

/// MQTT 5.0.
struct DialectV5: Dialect {
  /// Bytes of the longest packet that the client takes.
  private var packetBytesMax = ConnectRequest.longestPacket
  private var wantsProblemInformation = true
  /// The topics that the client knows by a number, and how many that may become.
  private var aliases: [[UInt8]: UInt16] = [:]
  private var aliasMax = 0

  var level: ProtocolLevel { .v50 }
  var tellsReasons: Bool { true }

  mutating func agree(to connect: ConnectRequest, _ limits: BrokerLimits) {
    packetBytesMax = connect.packetBytesMax
    wantsProblemInformation = connect.wantsProblemInformation
    aliasMax = Int(min(connect.topicAliasMax, limits.topicAliasMax))
  }

  func answer(to error: DecodeError) -> V5.ConnectReason? { error.connectReason }

  // MARK: Connecting

  func connectAck(_ acceptance: Acceptance) -> [UInt8]? {
    let list = PropertyList(acceptance).bytes
    return fitting(8 + list.count) { out throws(EncodeError) in
      try V5.ConnectAck.encode(
        sessionPresent: acceptance.sessionPresent, reason: .success, properties: list.span,
        into: &out)
    }
  }

  func connectAck(refusing reason: V5.ConnectReason, serverReference: [UInt8]?) -> [UInt8]? {
    var list = PropertyList()
    if reason == .useAnotherServer || reason == .serverMoved {
      list.append(.serverReference, text: serverReference)
    }
    return explained("\(reason)", list) { (list, out) throws(EncodeError) in
      try V5.ConnectAck.encode(
        sessionPresent: false, reason: reason, properties: list, into: &out)
    }
  }

  func authenticate(
    _ reason: V5.AuthenticateReason, method: [UInt8], data: [UInt8]?
  ) -> [UInt8]? {
    var list = PropertyList()
    list.append(.authenticationMethod, text: method)
    list.append(.authenticationData, text: data)
    let bytes = list.bytes
    return fitting(8 + bytes.count) { out throws(EncodeError) in
      try V5.Authenticate.encode(
        from: .server, reason: reason, properties: bytes.span, into: &out)
    }
  }

  func disconnect(_ reason: V5.DisconnectReason, serverReference: [UInt8]?) -> [UInt8]? {
    var list = PropertyList()
    if reason == .useAnotherServer || reason == .serverMoved {
      list.append(.serverReference, text: serverReference)
    }
    return explained("\(reason)", list) { (list, out) throws(EncodeError) in
      try V5.Disconnect.encode(from: .server, reason: reason, properties: list, into: &out)
    }
  }

  // MARK: Messages

  /// How a message goes out: with its topic, with the number that stands for it, or with both.
  private struct Form {
    var topic: [UInt8]
    var properties: PropertyList
    var newAlias: UInt16?

    func size(of delivery: Delivery) -> Int {
      V5.Publish.size(
        topicBytes: topic.count, propertyBytes: properties.bytes.count,
        payloadBytes: delivery.payload.count, qos: delivery.qos)
    }
  }

  /// Nil when the client takes the message in no form.
  private func form(of delivery: Delivery, at now: Instant) -> Form? {
    let plain = Form(topic: delivery.topic, properties: delivery.properties(at: now))
    var short = plain
    if let alias = aliases[delivery.topic] {
      short.topic = []
      short.properties.append(.topicAlias, UInt32(alias))
    } else if aliases.count < aliasMax {
      let alias = UInt16(aliases.count + 1)
      short.newAlias = alias
      short.properties.append(.topicAlias, UInt32(alias))
    }
    if short.size(of: delivery) <= packetBytesMax { return short }
    return plain.size(of: delivery) <= packetBytesMax ? plain : nil
  }

  func takes(_ delivery: Delivery, at now: Instant) -> Bool { form(of: delivery, at: now) != nil }

  mutating func publish(
    _ delivery: Delivery, packetID: UInt16, dup: Bool, at now: Instant
  ) -> [UInt8]? {
    guard let form = form(of: delivery, at: now) else { return nil }
    if let alias = form.newAlias { aliases[delivery.topic] = alias }
    let properties = form.properties.bytes
    return packetBytes(upTo: form.size(of: delivery)) { out throws(EncodeError) in
      try V5.Publish.encode(
        from: .server, packetID: packetID, qos: delivery.qos, retain: delivery.retain, dup: dup,
        topic: form.topic.span, properties: properties.span, payload: delivery.payload.span,
        into: &out)
    }
  }

  // MARK: Answers

  func publishAck(_ packetID: UInt16, _ reason: V5.PublishReason) -> [UInt8]? {
    publishAnswer(.publishAck, packetID, reason)
  }

  func publishReceived(_ packetID: UInt16, _ reason: V5.PublishReason) -> [UInt8]? {
    publishAnswer(.publishReceived, packetID, reason)
  }

  private func publishAnswer(
    _ kind: V5.PublishAnswer.Kind, _ packetID: UInt16, _ reason: V5.PublishReason
  ) -> [UInt8]? {
    answer(reason.rawValue >= 0x80 ? "\(reason)" : nil) { (list, out) throws(EncodeError) in
      try V5.PublishAnswer.encode(
        kind, from: .server, packetID: packetID, reason: reason, properties: list, into: &out)
    }
  }

  func publishRelease(_ packetID: UInt16, _ reason: V5.ReleaseReason, dup: Bool) -> [UInt8]? {
    releaseAnswer(.publishRelease, packetID, reason)
  }

  func publishComplete(_ packetID: UInt16, _ reason: V5.ReleaseReason) -> [UInt8]? {
    releaseAnswer(.publishComplete, packetID, reason)
  }

  private func releaseAnswer(
    _ kind: V5.ReleaseAnswer.Kind, _ packetID: UInt16, _ reason: V5.ReleaseReason
  ) -> [UInt8]? {
    answer(reason == .success ? nil : "\(reason)") { (list, out) throws(EncodeError) in
      try V5.ReleaseAnswer.encode(
        kind, packetID: packetID, reason: reason, properties: list, into: &out)
    }
  }

  func subscribeAck(_ packetID: UInt16, _ reasons: [V5.SubscribeReason]) -> [UInt8]? {
    let codes = reasons.map(\.rawValue)
    let failure = reasons.first { $0.qos == nil }
    return answer(failure.map { "\($0)" }, codes.count) { (list, out) throws(EncodeError) in
      try V5.SubscribeAck.encode(
        packetID: packetID, properties: list, codes: codes.span, into: &out)
    }
  }

  func unsubscribeAck(_ packetID: UInt16, _ reasons: [V5.UnsubscribeReason]) -> [UInt8]? {
    let codes = reasons.map(\.rawValue)
    return answer(nil, codes.count) { (list, out) throws(EncodeError) in
      try V5.UnsubscribeAck.encode(
        packetID: packetID, properties: list, codes: codes.span, into: &out)
    }
  }

  func pingResponse() -> [UInt8]? {
    fitting(V5.BarePacket.size) { out throws(EncodeError) in
      try V5.BarePacket.pingResponse.encode(into: &out)
    }
  }

  // MARK: Lengths

  private typealias Encoder = (Span<UInt8>, inout OutputSpan<UInt8>) throws(EncodeError) -> Void

  /// An answer, with a reason string for a failure if the client wants one (section 3.1.2.11.7).
  /// `codesCount` is the length of its list.
  private func answer(_ failure: String?, _ codesCount: Int = 0, _ encode: Encoder) -> [UInt8]? {
    explained(wantsProblemInformation ? failure : nil, PropertyList(), codesCount, encode)
  }

  /// A packet with a reason string, which is left out when the packet would be too long with it, as
  /// is all else that need not be there. `name` is the reason's own.
  private func explained(
    _ name: String?, _ list: PropertyList, _ codesCount: Int = 0, _ encode: Encoder
  ) -> [UInt8]? {
    func packet(_ properties: PropertyList) -> [UInt8]? {
      let bytes = properties.bytes
      return fitting(16 + bytes.count + codesCount) { out throws(EncodeError) in
        try encode(bytes.span, &out)
      }
    }
    if let name {
      var full = list
      full.append(.reasonString, text: words(of: name))
      if let packet = packet(full) { return packet }
    }
    return packet(list) ?? packet(PropertyList())
  }

  private func fitting(
    _ bytes: Int, _ encode: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) -> [UInt8]? {
    let packet = packetBytes(upTo: bytes, encode)
    return packet.count <= packetBytesMax ? packet : nil
  }

  /// "topic name invalid" of "topicNameInvalid".
  private func words(of name: String) -> [UInt8] {
    var words: [UInt8] = []
    for byte in name.utf8 {
      let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      if isUpper { words.append(UInt8(ascii: " ")) }
      words.append(isUpper ? byte | 0x20 : byte)
    }
    return words
  }
}

extension PropertyList {
  /// What CONNACK says (section 3.2.2.3): what is not said is as the client has asked, or without
  /// limit.
  fileprivate init(_ acceptance: Acceptance) {
    self.init()
    let limits = acceptance.limits
    if let expiry = acceptance.sessionExpiry { append(.sessionExpiryInterval, expiry) }
    if limits.receivedMax < UInt16.max { append(.receiveMaximum, UInt32(limits.receivedMax)) }
    if limits.maximumQoS < .exactlyOnce {
      append(.maximumQoS, UInt32(limits.maximumQoS.rawValue))
    }
    if !limits.retainIsAvailable { append(.retainAvailable, 0) }
    if limits.packetBytesMax < ConnectRequest.longestPacket {
      append(.maximumPacketSize, UInt32(limits.packetBytesMax))
    }
    append(.assignedClientIdentifier, text: acceptance.clientID)
    if limits.topicAliasMax > 0 { append(.topicAliasMaximum, UInt32(limits.topicAliasMax)) }
    if !limits.wildcardsAreAvailable { append(.wildcardSubscriptionAvailable, 0) }
    if !limits.subscriptionIdentifiersAreAvailable {
      append(.subscriptionIdentifierAvailable, 0)
    }
    if !limits.sharesAreAvailable { append(.sharedSubscriptionAvailable, 0) }
    if let keepAlive = acceptance.keepAlive { append(.serverKeepAlive, UInt32(keepAlive)) }
    append(.responseInformation, text: acceptance.responseInformation)
    append(.authenticationMethod, text: acceptance.method)
    append(.authenticationData, text: acceptance.data)
  }
}
