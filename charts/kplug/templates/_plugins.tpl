{{/* How a plugin of the list is delivered. */}}
{{- define "kplug.delivery" -}}
{{- .delivery | default "initContainer" }}
{{- end }}

{{/* The names of the plugins that are put into the operator's plugins folder, as YAML. Fails where they can't be. */}}
{{- define "kplug.pluginsInFolder" -}}
{{- $names := list }}
{{- range .Values.plugins }}
{{- if has .name $names }}
{{- fail (printf "two of plugins are called %s" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- if and (eq (include "kplug.delivery" .) "imageVolume") (not (semverCompare ">=1.35.0-0" $.Capabilities.KubeVersion.Version)) }}
{{- fail (printf "the plugin %s is to be an image volume, which needs Kubernetes 1.35; this is %s. Use delivery: initContainer" .name $.Capabilities.KubeVersion.Version) }}
{{- end }}
{{- end }}
{{- range .Values.plugins }}
{{- if ne (include "kplug.delivery" .) "deployment" }}
- {{ .name }}
{{- end }}
{{- end }}
{{- end }}

{{/* Whether the operator gets a plugins folder: anything but empty if it does. */}}
{{- define "kplug.hasPluginsFolder" -}}
{{- if or (include "kplug.pluginsInFolder" .) .Values.pluginsFromList .Values.pluginsVolume }}yes{{ end }}
{{- end }}

{{/* The init containers that copy plugins, as YAML. */}}
{{- define "kplug.pluginContainers" -}}
{{- range .Values.plugins }}
{{- if eq (include "kplug.delivery" .) "initContainer" }}
- name: plugin-{{ .name }}
  image: "{{ .image.repository }}:{{ .image.tag }}"
  imagePullPolicy: {{ .image.pullPolicy | default "IfNotPresent" }}
  command: [cp, -RfT, {{ .path | default "/plugin" | quote }}, /plugins/{{ .name }}]
  resources: {{ .resources | default (dict "requests" (dict "cpu" "20m" "memory" "32Mi") "limits" (dict "memory" "64Mi")) | toJson }}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: { drop: [ALL] }
  volumeMounts:
    - { name: plugins, mountPath: /plugins }
{{- end }}
{{- end }}
{{- end }}

{{/* Where the plugins folder and the image volumes in it are mounted, as YAML. */}}
{{- define "kplug.pluginMounts" -}}
- { name: plugins, mountPath: /plugins }
- { name: plugins-tmp, mountPath: /tmp }
{{- range .Values.plugins }}
{{- if eq (include "kplug.delivery" .) "imageVolume" }}
{{- $path := .path | default "/plugin" | trimAll "/" }}
- { name: plugin-{{ .name }}, mountPath: /plugins/{{ .name }}, {{ with $path }}subPath: {{ quote . }}, {{ end }}readOnly: true }
{{- end }}
{{- end }}
{{- end }}

{{/* The volumes of these mounts, as YAML. */}}
{{- define "kplug.pluginVolumes" -}}
- name: plugins
  {{- .Values.pluginsVolume | default (dict "emptyDir" dict) | toYaml | nindent 2 }}
# The root is read-only, and not every plugin does without.
- { name: plugins-tmp, emptyDir: {} }
{{- range .Values.plugins }}
{{- if eq (include "kplug.delivery" .) "imageVolume" }}
- name: plugin-{{ .name }}
  image: { reference: "{{ .image.repository }}:{{ .image.tag }}", pullPolicy: {{ .image.pullPolicy | default "IfNotPresent" }} }
{{- end }}
{{- end }}
{{- end }}

{{/* Values with others in their place, as Helm itself does it. `mergeOverwrite` passes over false and 0. Takes { values, others }. */}}
{{- define "kplug.merge" -}}
{{- $merged := deepCopy .values }}
{{- range $key, $other := .others }}
{{- $value := get $merged $key }}
{{- if and (kindIs "map" $value) (kindIs "map" $other) }}
{{- $_ := set $merged $key (include "kplug.merge" (dict "values" $value "others" $other) | fromYaml) }}
{{- else }}
{{- $_ := set $merged $key $other }}
{{- end }}
{{- end }}
{{- toYaml $merged }}
{{- end }}
