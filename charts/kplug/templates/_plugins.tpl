{{/* Delivery of a plugin in the list. */}}
{{- define "kplug.delivery" -}}
{{- .delivery | default "initContainer" }}
{{- end }}

{{/* Names of the plugins that are delivered into the plugins folder, as YAML. Fails when that is impossible. */}}
{{- define "kplug.pluginsInFolder" -}}
{{- $names := list }}
{{- range .Values.plugins }}
{{- if has .name $names }}
{{- fail (printf "two plugins have the name %s" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- if and (eq (include "kplug.delivery" .) "imageVolume") (not (semverCompare ">=1.35.0-0" $.Capabilities.KubeVersion.Version)) }}
{{- fail (printf "the plugin %s has the delivery imageVolume, which needs Kubernetes 1.35; this is %s. Use delivery: initContainer" .name $.Capabilities.KubeVersion.Version) }}
{{- end }}
{{- end }}
{{- range .Values.plugins }}
{{- if ne (include "kplug.delivery" .) "deployment" }}
- {{ .name }}
{{- end }}
{{- end }}
{{- end }}

{{/* Non-empty when the operator has a plugins folder. */}}
{{- define "kplug.hasPluginsFolder" -}}
{{- if or (include "kplug.pluginsInFolder" .) .Values.pluginsFromList .Values.pluginsVolume }}yes{{ end }}
{{- end }}

{{/* Non-empty when the plugins folder is a volume of the pod alone. */}}
{{- define "kplug.isPluginsFolderOfPod" -}}
{{- if or (not .Values.pluginsVolume) (hasKey .Values.pluginsVolume "emptyDir") }}yes{{ end }}
{{- end }}

{{/* Init containers that copy plugins, as YAML. */}}
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

{{/* Mounts of the plugins folder and the image volumes in it, as YAML. */}}
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

{{/* Volumes of these mounts, as YAML. */}}
{{- define "kplug.pluginVolumes" -}}
- name: plugins
  {{- .Values.pluginsVolume | default (dict "emptyDir" dict) | toYaml | nindent 2 }}
# The root file system is read-only, but some plugins need a writable /tmp.
- { name: plugins-tmp, emptyDir: {} }
{{- range .Values.plugins }}
{{- if eq (include "kplug.delivery" .) "imageVolume" }}
- name: plugin-{{ .name }}
  image: { reference: "{{ .image.repository }}:{{ .image.tag }}", pullPolicy: {{ .image.pullPolicy | default "IfNotPresent" }} }
{{- end }}
{{- end }}
{{- end }}

{{/* Merges values as Helm itself does. `mergeOverwrite` ignores false and 0. Takes { values, others }. */}}
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
