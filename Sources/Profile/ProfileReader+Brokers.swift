import Core
import Dialing
import Uplink

/// Several brokers instead of one: `broker.urls`, when the link goes back to the first, and whether a
/// broker may name another.
extension ProfileReader {
  /// False when a URL is wrong, so that nothing more is to be said of the way.
  mutating func readBrokers(_ broker: inout ObjectReader, hasURL: Bool) -> Bool {
    if let after = broker.duration(
      "returnAfter", &problems, to: .seconds(7 * 86_400), example: "10m")
    {
      configuration.uplink.returnAfter = after
    }
    if let follows = broker.bool("followReference", &problems) {
      configuration.uplink.followsReferences = follows
    }
    guard let member = broker.take("urls") else { return true }
    let pointer = broker.path("urls")
    guard case .array(let nodes) = member.value.value, !nodes.isEmpty,
      nodes.count <= EndpointList.brokersMax
    else {
      error(
        member.value.offset, pointer,
        "expected an array of 1 to " + text(Int64(wide: EndpointList.brokersMax))
          + " URLs")
      return false
    }
    if hasURL {
      error(member.keyOffset, pointer, "url names one broker, urls several: give one of the two")
      return false
    }
    for (index, node) in nodes.enumerated() {
      let place = pointer + "/" + text(Int64(wide: index))
      guard takeBroker(node, index, place) else { return false }
    }
    return true
  }

  private mutating func takeBroker(_ node: ProfileNode, _ index: Int, _ pointer: String) -> Bool {
    guard case .string(let bytes) = node.value else {
      error(node.offset, pointer, "expected a URL, found " + node.found)
      return false
    }
    guard let (endpoint, user) = readURL(bytes, node.offset, pointer) else { return false }
    if !user.isEmpty {
      guard configuration.uplink.user.isEmpty || configuration.uplink.user == user else {
        error(node.offset, pointer, "all brokers have one login: expected the user named before")
        return false
      }
      configuration.uplink.user = user
    }
    if index == 0 {
      configuration.uplink.dial.endpoint = endpoint
      return true
    }
    guard endpoint.kind == configuration.uplink.dial.endpoint.kind else {
      error(node.offset, pointer, "all brokers are reached alike: expected the first URL's scheme")
      return false
    }
    return configuration.uplink.dial.others.append(endpoint)
  }
}
