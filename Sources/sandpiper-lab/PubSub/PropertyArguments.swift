import ArgumentParser
import Core
import MQTT

/// The properties of `-D command identifier [name] value`, by the command that they go with.
struct PropertyArguments {
  enum Command: String, CaseIterable {
    case connect, publish, subscribe, unsubscribe, disconnect, will
  }

  private var lists: [Command: [UInt8]] = [:]

  /// The words of all `-D`, one after the other. Throws what is wrong with them.
  init(_ words: [String]) throws {
    var rest = words[...]
    while let word = rest.popFirst() {
      guard let command = Command(rawValue: word.lowercased()) else {
        let known = Command.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("-D \(word): expected one of \(known)")
      }
      guard let name = rest.popFirst(), let id = PropertyNames.id(of: Array(name.utf8).span)
      else {
        throw ValidationError("-D \(word): expected the name of a property")
      }
      let count = id == .userProperty ? 2 : 1
      guard rest.count >= count else {
        throw ValidationError(
          "-D \(word) \(name): expected \(count == 2 ? "a name and a value" : "a value")")
      }
      guard Self.append(id, rest.prefix(count), to: &lists[command, default: []]) else {
        throw ValidationError("-D \(word) \(name): not a value of this property")
      }
      rest.removeFirst(count)
    }
    for command in Command.allCases where !isRight(command) {
      throw ValidationError(
        "-D \(command.rawValue): a property that this packet does not have, or one given twice")
    }
  }

  /// As they go on the wire.
  subscript(command: Command) -> [UInt8] {
    get { lists[command] ?? [] }
    set { lists[command] = newValue }
  }

  var isEmpty: Bool { lists.isEmpty }

  /// True when a packet with these properties can be written. CONNECT and the will are checked where
  /// they are put together.
  private func isRight(_ command: Command) -> Bool {
    let list = self[command]
    let name: [UInt8] = [UInt8(ascii: "a")]
    var isRight = true
    _ = [UInt8](capacity: list.count + 32) { out in
      do throws(EncodeError) {
        switch command {
        case .connect, .will: break
        case .publish:
          try V5.Publish.encode(
            from: .client, packetID: 0, qos: .atMostOnce, retain: false, dup: false,
            topic: name.span, properties: list.span, payload: Span(), into: &out)
        case .subscribe:
          try V5.Subscribe.encode(
            packetID: 1, properties: list.span, filter: name.span,
            options: V5.SubscriptionOptions(qos: .atMostOnce), into: &out)
        case .unsubscribe:
          try V5.Unsubscribe.encode(
            packetID: 1, properties: list.span, filter: name.span, into: &out)
        case .disconnect:
          try V5.Disconnect.encode(
            from: .client, reason: .normalDisconnection, properties: list.span, into: &out)
        }
      } catch { isRight = false }
    }
    return isRight
  }

  /// Appends a property with these values; false when they are none of its.
  static func append(
    _ id: V5.PropertyID, _ values: ArraySlice<String>, to list: inout [UInt8]
  ) -> Bool {
    let texts = values.map { Array($0.utf8) }
    guard let first = texts.first, let last = texts.last else { return false }
    var isGood = true
    list.append(addingCapacity: first.count + last.count + 8) { out in
      do throws(EncodeError) {
        switch id.form {
        case .byte, .twoBytes, .fourBytes, .variable:
          guard let number = DriverLine.number(first.span), number <= UInt32.max else {
            throw .invalidProperties
          }
          try V5.Properties.append(id, UInt32(number), to: &out)
        case .text, .topicName, .binary:
          try V5.Properties.append(id, text: first.span, to: &out)
        case .pair: try V5.Properties.append(user: first.span, last.span, to: &out)
        }
      } catch { isGood = false }
    }
    return isGood
  }
}
