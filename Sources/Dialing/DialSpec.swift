import Core

/// The way to the broker, and how long each step on it may take. Its texts are places in a text that
/// whoever uses it lends along.
public struct DialSpec: BitwiseCopyable, Sendable {
  /// Where the broker is: the first, where there are several.
  public var endpoint: Endpoint
  /// Where others are, of the same kind.
  public var others = EndpointList()
  /// The proxy on the way, if any; not for a Unix socket.
  public var proxy: Proxy?
  /// How TLS is spoken, where it is. The name that the broker's certificate must bear is that of the
  /// endpoint's host when `tls.host` is empty.
  public var tls = TLSSpec(host: .empty)
  /// Fields of our own in the request for a WebSocket, as whole lines with their ends: at most
  /// `ClientHandshake.fieldBytesMax` bytes, each checked by `RequestField`.
  public var webSocketFields = Text.empty

  /// Deadline for resolving a name.
  public var resolveTimeout = Interval.seconds(15)
  /// Deadline for a TCP connection, to any of the addresses.
  public var connectTimeout = Interval.seconds(15)
  /// Deadline for the proxy's answers.
  public var proxyTimeout = Interval.seconds(15)
  /// Deadline for the TLS handshake.
  public var tlsTimeout = Interval.seconds(15)
  /// Deadline for the upgrade to a WebSocket.
  public var webSocketTimeout = Interval.seconds(15)
  /// How long sent bytes may stay unacknowledged before the system gives the connection up
  /// (TCP_USER_TIMEOUT, RFC 5482); zero leaves that to the system.
  public var userTimeout = Interval.zero
  /// The most bytes that are handed over at once: with a WebSocket, what goes into one frame.
  public var writeBytes = 2048

  /// The way to `endpoint`, by itself.
  public init(_ endpoint: Endpoint) { self.endpoint = endpoint }

  /// How many brokers there are.
  public var brokerCount: Int { 1 + others.count }

  /// Where broker `index` is; 0 is the first.
  public func broker(_ index: Int) -> Endpoint { index == 0 ? endpoint : others[index - 1] }

  /// Deadline for all steps together: what each may take once. When a broker has several addresses
  /// each of them is tried, but no longer than that.
  public var totalTimeout: Interval {
    var total = resolveTimeout + connectTimeout
    if proxy != nil { total = total + proxyTimeout }
    if endpoint.kind.usesTLS { total = total + tlsTimeout }
    if endpoint.kind.usesWebSocket { total = total + webSocketTimeout }
    return total
  }

  /// Whose name is resolved, and which port connected to.
  public var firstHop: (host: Text, port: UInt16) {
    if let proxy { (proxy.host, proxy.port) } else { (endpoint.host, endpoint.port) }
  }

  /// Calls `body` with each text, which may put it elsewhere.
  public mutating func forEachText(_ body: (inout Text) -> Void) {
    body(&endpoint.host)
    body(&endpoint.path)
    others.forEachText(body)
    body(&webSocketFields)
    tls.forEachText(body)
    if var proxy {
      body(&proxy.host)
      body(&proxy.user)
      body(&proxy.passwordFile)
      self.proxy = proxy
    }
  }
}
