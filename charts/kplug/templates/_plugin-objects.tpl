{{/*
Objects of a plugin. The operator's chart has a copy of this file, for the plugins in its list; so the templates only use .Values, .Release
and .Chart.
*/}}

{{- define "plugin.serviceaccount" -}}
{{- if .Values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "plugin.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "plugin.labels" . | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
{{- end }}
{{- end }}

{{- define "plugin.secret" -}}
{{- if .Values.secretEnv }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "plugin.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "plugin.labels" . | nindent 4 }}
stringData:
  {{- range $name, $value := .Values.secretEnv }}
  {{ $name }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "plugin.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "plugin.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "plugin.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  # The new version starts before the old one stops, so that each resource moves only once.
  strategy:
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  selector:
    matchLabels: {{- include "plugin.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "plugin.labels" . | nindent 8 }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: plugin
        {{- with .Values.secretEnv }}
        checksum/secret: {{ toJson . | sha256sum }}
        {{- end }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "plugin.serviceAccountName" . }}
      automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
      enableServiceLinks: false
      # Time for in-flight calls, and a margin.
      terminationGracePeriodSeconds: {{ add 5 (ceil (divf (include "plugin.milliseconds" .Values.drainTimeout) 1000.0)) }}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: plugin
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          {{- with .Values.command }}
          command: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .Values.args }}
          args: {{- toYaml . | nindent 12 }}
          {{- end }}
          env:
            - { name: KPLUG_CONTROLLER, value: {{ .Values.controller | quote }} }
            - { name: KPLUG_BIND_ADDRESS, value: ":{{ .Values.port }}" }
            - { name: KPLUG_WEIGHT, value: {{ .Values.weight | quote }} }
            - { name: KPLUG_DRAIN_TIMEOUT, value: {{ include "plugin.milliseconds" .Values.drainTimeout | quote }} }
            - { name: KPLUG_LOG_LEVEL, value: {{ .Values.logLevel }} }
            {{- with .Values.heartbeatInterval }}
            - { name: KPLUG_HEARTBEAT_INTERVAL, value: {{ include "plugin.milliseconds" . | quote }} }
            {{- end }}
            {{- with .Values.ttl }}
            - { name: KPLUG_TTL, value: {{ include "plugin.milliseconds" . | quote }} }
            {{- end }}
            {{- with .Values.labels }}
            - name: KPLUG_LABELS
              value: {{ range $name, $value := . }}{{ $name }}={{ $value }},{{ end }}
            {{- end }}
            - name: KPLUG_POD_NAME
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
            - name: KPLUG_POD_NAMESPACE
              valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
            {{- if .Values.insecure }}
            - { name: KPLUG_INSECURE, value: "true" }
            {{- else }}
            - { name: KPLUG_TOKEN_FILE, value: /var/run/secrets/kplug/token }
            - { name: KPLUG_TLS_CA, value: /var/run/secrets/kplug/ca.crt }
            {{- if .Values.tls.secretName }}
            - { name: KPLUG_TLS_CERT, value: /var/run/secrets/kplug-tls/tls.crt }
            - { name: KPLUG_TLS_KEY, value: /var/run/secrets/kplug-tls/tls.key }
            {{- end }}
            {{- end }}
            {{- range $name, $value := .Values.env }}
            - { name: {{ $name }}, value: {{ $value | quote }} }
            {{- end }}
          {{- if or .Values.secretEnv .Values.existingSecrets }}
          envFrom:
            {{- if .Values.secretEnv }}
            - secretRef: { name: {{ include "plugin.fullname" . }} }
            {{- end }}
            {{- range .Values.existingSecrets }}
            - secretRef: { name: {{ . }} }
            {{- end }}
          {{- end }}
          ports:
            - { name: grpc, containerPort: {{ .Values.port }} }
          # With TLS, only the operator gets past the handshake, so that the kubelet just connects.
          {{- $probe := .Values.insecure | ternary "grpc" "tcpSocket" }}
          startupProbe:
            {{ $probe }}: { port: {{ .Values.port }} }
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            {{ $probe }}: { port: {{ .Values.port }} }
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            {{ $probe }}: { port: {{ .Values.port }} }
            periodSeconds: 5
            timeoutSeconds: 5
          resources: {{- toYaml .Values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          {{- if or .Values.volumeMounts (not .Values.insecure) }}
          volumeMounts:
            {{- if not .Values.insecure }}
            - { name: kplug, mountPath: /var/run/secrets/kplug, readOnly: true }
            {{- if .Values.tls.secretName }}
            - { name: kplug-tls, mountPath: /var/run/secrets/kplug-tls, readOnly: true }
            {{- end }}
            {{- end }}
            {{- with .Values.volumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- end }}
      {{- if or .Values.volumes (not .Values.insecure) }}
      volumes:
        {{- if not .Values.insecure }}
        # Identity of the plugin, and the CA of the operator. The pod starts as soon as it is published; a kubelet adds a file to a running
        # pod only a minute or two later.
        - name: kplug
          projected:
            sources:
              - serviceAccountToken: { audience: {{ .Values.tokenAudience }}, path: token, expirationSeconds: 3600 }
              - configMap:
                  name: {{ include "plugin.caConfigMap" . }}
                  items: [{ key: ca.crt, path: ca.crt }]
        {{- with .Values.tls.secretName }}
        - name: kplug-tls
          secret: { secretName: {{ . }} }
        {{- end }}
        {{- end }}
        {{- with .Values.volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with .Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.topologySpreadConstraints }}
      topologySpreadConstraints: {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}

{{- define "plugin.service" -}}
{{- if .Values.service.enabled }}
# For people and tools. The operator calls instances at the addresses in their heartbeats.
apiVersion: v1
kind: Service
metadata:
  name: {{ include "plugin.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "plugin.labels" . | nindent 4 }}
spec:
  clusterIP: None
  selector: {{- include "plugin.selectorLabels" . | nindent 4 }}
  ports:
    - { name: grpc, port: {{ .Values.port }}, targetPort: grpc, appProtocol: grpc }
{{- end }}
{{- end }}

{{- define "plugin.poddisruptionbudget" -}}
{{- if and .Values.podDisruptionBudget.enabled (gt (int .Values.replicas) 1) }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "plugin.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "plugin.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels: {{- include "plugin.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}

{{- define "plugin.networkpolicy" -}}
{{- if .Values.networkPolicy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "plugin.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "plugin.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "plugin.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports: [{ port: grpc }]
      from:
        {{- with .Values.networkPolicy.from }}
        {{- toYaml . | nindent 8 }}
        {{- else }}
        - podSelector:
            matchLabels: { app.kubernetes.io/component: operator, app.kubernetes.io/part-of: kplug }
          namespaceSelector:
            matchLabels: { kubernetes.io/metadata.name: {{ include "plugin.controllerNamespace" . }} }
        {{- end }}
{{- end }}
{{- end }}
